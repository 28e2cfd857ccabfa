// Random networks from end to end: what a module computes, what its float program computes, what
// calibration observes, what is simulated, what ships, what a file keeps and what training freezes
// are one thing.
//
// More of them: bazel run //tests:random_graph_test -- -- FIRST_SEED COUNT
#define BOOST_TEST_MODULE random_graph
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "base/buffer.h"
#include "base/parallel.h"
#include "engine/format.h"
#include "kernels/kernel_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "tensor/backward.h"
#include "tests/float_layers.h"
#include "tests/random_network.h"

namespace octet {
namespace {

using nn::testing::equal_bits;
using quant::testing::run_program;
using testing::random_images;
using testing::RandomNetwork;
using Values = std::map<std::string, Tensor>;

constexpr int64_t kBatch = 3;

Tensor example_of(const RandomNetwork& network) { return Tensor::zeros(network.input_shape()); }

bool equal_values(const Values& a, const Values& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, value] : a)
    if (!b.contains(name) || !equal_bits(value, b.at(name))) return false;
  return true;
}

// Alone or among others an image has the same values, with any number of threads.
void check_threads_and_batches(const engine::Program& program, const Tensor& x,
                               const Values& expected) {
  for (const unsigned threads : {1u, 2u}) {
    ThreadPool pool(threads);
    BOOST_TEST_CONTEXT(threads << " threads") {
      BOOST_TEST(equal_values(run_program(program, x, &pool), expected), "the batch differs");
      const int64_t image = threads - 1;
      Values alone = expected;
      for (auto& [name, value] : alone) value = value.slice(image, image + 1).clone();
      BOOST_TEST(equal_values(run_program(program, x.slice(image, image + 1), &pool), alone),
                 "image " << image << " differs alone");
    }
  }
}

// Observing changes nothing.
void check_float(RandomNetwork& network, const Tensor& x) {
  const auto prepared =
      quant::prepare(network, example_of(network), quant::get_default_qconfig_mapping("x86"));
  BOOST_TEST(equal_bits((*prepared)(x), network(x)));
  const engine::Program program = nn::lower(nn::trace(network, example_of(network)));
  testing::check_float_layers(*prepared, program, x);
  check_threads_and_batches(program, x, run_program(program, x));
}

void check_file(const engine::Program& program, const Tensor& x, const Values& expected) {
  const auto bytes = engine::serialize(program);
  BOOST_REQUIRE_MESSAGE(bytes, bytes.why());
  const auto copy = std::make_shared<AlignedBuffer>(bytes->size());
  std::memcpy(copy->data(), bytes->data(), bytes->size());
  const auto read = engine::parse({copy->data(), bytes->size()}, copy);
  BOOST_REQUIRE_MESSAGE(read, read.why());
  BOOST_TEST(equal_values(run_program(*read, x), expected), "after the file");
}

// Training begins with the integers of the calibrated model.
void check_training_start(quant::PreparedModel& calibrated, const Tensor& x, const char* backend) {
  const auto qat = quant::prepare_qat(calibrated, quant::get_default_qat_qconfig_mapping(backend));
  const Values expected = run_program(quant::convert(calibrated).program, x);
  BOOST_TEST(equal_values(run_program(quant::convert(*qat).program, x), expected),
             "training begins elsewhere");
  qat->eval();
  BOOST_TEST(equal_bits((*qat)(x), expected.at("output")), "its first pass differs");
}

void check_quantized(RandomNetwork& network, const Tensor& x, const char* backend) {
  const auto prepared =
      quant::prepare(network, example_of(network), quant::get_default_qconfig_mapping(backend));
  const auto observe = [&] {
    for (uint64_t seed = 1; seed <= 2; ++seed) (*prepared)(random_images(network, kBatch, seed));
  };
  observe();
  if (quant::equalize(*prepared) > 0) observe();
  const quant::Conversion conversion = quant::convert(*prepared);
  for (const quant::LayerReport& layer : conversion.layers)
    BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
  const engine::Program& program = conversion.program;
  quant::testing::check_simulate_equals_engine(*prepared, program, x);
  const Values expected = run_program(program, x);
  kernels::testing::for_each_target([&] { check_threads_and_batches(program, x, expected); });
  check_file(program, x, expected);
  check_training_start(*prepared, x, backend);
}

// Steps of one size: whatever the gradients are, nothing runs away.
void train_step(RandomNetwork& network, quant::PreparedModel& prepared, const Tensor& x) {
  const Recording recording;
  const Tensor y = prepared(x);
  // Nothing to train: no layer has weights.
  if (!needs_grad(y)) return;
  backward(y, y.clone());
  for (const auto& [name, parameter] : network.named_parameters()) {
    // None came to layers that nothing reads.
    if (!parameter.grad().defined()) continue;
    for (int64_t i = 0; i < parameter.elements(); ++i)
      parameter.data<float>()[i] -= std::copysign(1e-3f, parameter.grad().data<float>()[i]);
    parameter.zero_grad();
  }
}

void check_frozen_training(RandomNetwork& network, const Tensor& x, const quant::QConfig& qconfig) {
  const auto prepared =
      quant::prepare_qat(network, example_of(network), quant::QConfigMapping().set_global(qconfig));
  for (uint64_t seed = 1; seed <= 2; ++seed)
    train_step(network, *prepared, random_images(network, kBatch, seed));
  prepared->disable_observer();
  prepared->freeze_bn_stats();
  train_step(network, *prepared, random_images(network, kBatch, 3));
  for (const bool training : {true, false}) {
    prepared->train(training);
    const engine::Program program = quant::convert(*prepared).program;
    BOOST_TEST(equal_bits((*prepared)(x), run_program(program, x).at("output")),
               (training ? "training" : "eval") << " differs from what ships");
    if (!training) quant::testing::check_simulate_equals_engine(*prepared, program, x);
  }
}

void check_network(uint64_t seed, RandomNetwork& network) {
  const Tensor x = random_images(network, kBatch, seed ^ 0x5eed);
  network.eval();
  const auto targets = kernels::supported_targets();
  kernels::set_target(targets[seed % targets.size()]);
  check_float(network, x);
  kernels::reset_target();
  check_quantized(network, x, "x86");
  check_quantized(network, x, "qnnpack");
  if (seed % 4 != 0) return;
  check_frozen_training(
      network, x,
      seed % 8 == 0 ? quant::get_default_qat_qconfig("x86") : quant::get_lsq_qconfig("qnnpack", 4));
}

struct Seeds {
  uint64_t first = 0, count = 48;
};
Seeds seeds() {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  if (suite.argc != 3) return {};
  return {std::stoull(suite.argv[1]), std::stoull(suite.argv[2])};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_form_of_a_random_network_computes_one_thing) {
  const auto [first, count] = seeds();
  for (uint64_t seed = first; seed < first + count; ++seed) {
    RandomNetwork network(seed);
    BOOST_TEST_CONTEXT("seed " << seed << "\n" << network.text()) {
      try {
        check_network(seed, network);
      } catch (const Error& error) {
        BOOST_ERROR(error.what());
      }
    }
  }
}

// Else the test above would say little.
BOOST_AUTO_TEST_CASE(the_networks_have_every_op_and_live_values) {
  std::set<std::string> ops;
  size_t values = 0, alive = 0;
  for (uint64_t seed = 0; seed < Seeds().count; ++seed) {
    RandomNetwork network(seed);
    const auto prepared =
        quant::prepare(network, example_of(network), quant::get_default_qconfig_mapping("x86"));
    for (const nn::GraphNode& node : prepared->graph().nodes) ops.insert(node.op->name());
    const Tensor x = random_images(network, kBatch, seed);
    (*prepared)(x);
    for (const auto& [name, value] : prepared->simulate_values(x)) {
      const std::span<const uint8_t> integers = value.values<uint8_t>();
      const size_t different = std::set<uint8_t>(integers.begin(), integers.end()).size();
      ++values;
      alive += different >= std::min<size_t>(integers.size() / 2, 16);
    }
  }
  const std::set<std::string> expected = {"adaptive_avg_pool2d",
                                          "add",
                                          "avg_pool2d",
                                          "batch_norm",
                                          "cat",
                                          "channel_shuffle",
                                          "conv2d",
                                          "elu",
                                          "flatten",
                                          "gelu",
                                          "hardsigmoid",
                                          "hardswish",
                                          "hardtanh",
                                          "identity",
                                          "leaky_relu",
                                          "linear",
                                          "max_pool2d",
                                          "mul",
                                          "pad",
                                          "relu",
                                          "relu6",
                                          "sigmoid",
                                          "silu",
                                          "slice",
                                          "tanh"};
  BOOST_TEST(ops == expected, boost::test_tools::per_element());
  BOOST_TEST(alive * 2 > values, alive << " of " << values << " values are alive");
}

}  // namespace octet
