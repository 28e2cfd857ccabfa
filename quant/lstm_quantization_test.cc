// LSTMs between observers: converted to integers, and trained so.
#define BOOST_TEST_MODULE lstm_quantization
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/lstm.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/quant_testing.h"
#include "quant/quantize_dynamic.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

// Two layers of both directions, then scores.
struct Net : nn::Module {
  nn::Lstm lstm{7, 12, {.num_layers = 2, .batch_first = true, .bidirectional = true}};
  nn::Linear decoder{24, 5};

  Net() {
    register_module("lstm", lstm);
    register_module("decoder", decoder);
  }
  Tensor forward(const Tensor& x) override { return decoder(lstm(x)); }
};

constexpr int64_t kSteps = 11, kWords = 9;
const Shape kExample = {1, kSteps, 7}, kBatch = {4, kSteps, 7};

// A table before it.
struct Language : nn::Module {
  nn::Embedding embedding{kWords, 7};
  Net net;

  Language() {
    register_module("embedding", embedding);
    register_module("net", net);
  }
  Tensor forward(const Tensor& x) override { return net(embedding(x)); }
};

Tensor random_indices(int64_t batch, uint64_t seed) {
  Rng rng(seed);
  Tensor x = Tensor::zeros({batch, kSteps}, DType::s64);
  for (int64_t& i : x.values<int64_t>()) i = static_cast<int64_t>(rng.below(kWords));
  return x;
}

void check_equals_engine(PreparedModel& prepared, const Tensor& x) {
  const Conversion conversion = convert(prepared);
  for (const LayerReport& layer : conversion.layers) BOOST_TEST(layer.quantized, layer.name);
  const Tensor want = testing::run_program(conversion.program, x).at("output");
  const Tensor y = prepared(x);
  BOOST_REQUIRE((y.shape() == want.shape()));
  BOOST_TEST(std::memcmp(y.raw(), want.raw(), y.bytes()) == 0);
}

double squared_difference(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.elements(); ++i)
    sum += std::pow(a.data<float>()[i] - b.data<float>()[i], 2);
  return sum;
}

// The loss of a step is the squared distance from random numbers.
double backward_step(nn::Module& model, const Tensor& x) {
  const Recording recording;
  const Tensor y = model(x), target = random_tensor(y.shape(), 99);
  const Tensor dy = Tensor::empty(y.shape());
  for (int64_t i = 0; i < y.elements(); ++i)
    dy.data<float>()[i] = y.data<float>()[i] - target.data<float>()[i];
  backward(y, dy);
  return squared_difference(y, target);
}

double train_step(nn::Module& net, nn::Module& model, const Tensor& x, float rate) {
  const double loss = backward_step(model, x);
  for (const auto& [name, parameter] : net.named_parameters()) {
    BOOST_REQUIRE_MESSAGE(parameter.grad().defined(), name);
    for (int64_t i = 0; i < parameter.elements(); ++i)
      parameter.data<float>()[i] -= rate * parameter.grad().data<float>()[i];
    parameter.zero_grad();
  }
  return loss;
}

std::unique_ptr<PreparedModel> qat(nn::Module& net, const Tensor& example) {
  return prepare_qat(net, example, get_default_qat_qconfig_mapping("x86"));
}
std::unique_ptr<PreparedModel> qat(Net& net) { return qat(net, Tensor::zeros(kExample)); }

// In eval mode, and in training with the observers off.
template <class Inputs>
void check_trained_is_what_ships(nn::Module& net, PreparedModel& prepared, const Inputs& inputs) {
  for (uint64_t i = 0; i < 5; ++i) train_step(net, prepared, inputs(i), 0.02f);
  prepared.eval();
  check_equals_engine(prepared, inputs(50));
  prepared.train();
  prepared.disable_observer();
  for (uint64_t i = 0; i < 3; ++i) {
    check_equals_engine(prepared, inputs(60 + i));
    train_step(net, prepared, inputs(i), 0.02f);
  }
  testing::check_simulate_equals_engine(prepared, convert(prepared).program, inputs(70));
}

// Gradients are those of the float model but for what the rounding moves.
void check_gradients_are_near_those_of_float(nn::Module& net, PreparedModel& prepared,
                                             const Tensor& x) {
  std::vector<Tensor> quantized;
  backward_step(prepared, x);
  for (const auto& [name, parameter] : net.named_parameters()) {
    quantized.push_back(parameter.grad().clone());
    parameter.zero_grad();
  }
  backward_step(net, x);
  size_t next = 0;
  for (const auto& [name, parameter] : net.named_parameters()) {
    const Tensor real = parameter.grad(), zeros = Tensor::zeros(real.shape());
    const double distance = squared_difference(real, quantized[next++]);
    BOOST_TEST(distance < 0.01 * squared_difference(real, zeros), name);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_calibrated_lstm_simulates_what_ships_and_is_near_the_float_model) {
  nn::manual_seed(1);
  Net net;
  const auto prepared = prepare(net, Tensor::zeros(kExample), get_default_qconfig_mapping("x86"));
  for (int i = 0; i < 4; ++i) (*prepared)(random_tensor(kBatch, i));
  const Conversion conversion = convert(*prepared);
  std::string ops;
  for (const engine::Instruction& i : conversion.program.instructions) ops += i.op + " ";
  BOOST_TEST(ops == "quantize lstm lstm linear dequantize ");
  const Tensor x = random_tensor(kBatch, 50);
  testing::check_simulate_equals_engine(*prepared, conversion.program, x);
  // Noise a tenth of the signal would be 4 bits; the values have 8.
  const Tensor real = net(x), y = testing::run_program(conversion.program, x).at("output");
  BOOST_TEST(squared_difference(real, y) <
             1e-2 * squared_difference(real, Tensor::zeros(real.shape())));
}

BOOST_AUTO_TEST_CASE(a_language_model_has_its_table_in_s8_as_if_quantized_dynamically) {
  nn::manual_seed(2);
  Language model;
  const Tensor example = random_indices(1, 1);
  const auto prepared = prepare(model, example, get_default_qconfig_mapping("x86"));
  (*prepared)(random_indices(8, 2));
  const Conversion conversion = convert(*prepared);
  for (const LayerReport& layer : conversion.layers) BOOST_TEST(layer.quantized, layer.name);
  const engine::Program& program = conversion.program;
  BOOST_TEST(program.instructions[1].op == "quantize");
  testing::check_simulate_equals_engine(*prepared, program, random_indices(3, 3));

  const engine::Program dynamic = quantize_dynamic(model, example, {"embedding"}).program;
  for (size_t i : {1, 2}) {
    const engine::Value& got = program.values[program.instructions[0].inputs[i]];
    const engine::Value& want = dynamic.values[dynamic.instructions[0].inputs[i]];
    BOOST_TEST(got.name == want.name);
    BOOST_TEST(std::ranges::equal(got.data, want.data));
  }
}

BOOST_AUTO_TEST_CASE(a_table_without_a_qconfig_stays_float) {
  Language model;
  QConfigMapping mapping = get_default_qconfig_mapping("x86");
  mapping.set_module_name("embedding", std::nullopt);
  const auto prepared = prepare(model, random_indices(1, 1), mapping);
  (*prepared)(random_indices(8, 2));
  const Conversion conversion = convert(*prepared);
  BOOST_TEST(!conversion.layers[0].quantized);
  BOOST_TEST(conversion.layers[0].note == "no qconfig");
  const engine::Program& program = conversion.program;
  BOOST_TEST((program.values[program.instructions[0].inputs[1]].dtype == DType::f32));
}

// Ranges follow growing outputs by 1 % a step, which is 45 % of the way in 60 steps; what is beyond
// has no gradient.
BOOST_AUTO_TEST_CASE(training_lowers_the_loss_as_fast_as_the_ranges_follow) {
  const auto lowered = [](bool quantized) {
    nn::manual_seed(3);
    Net net;
    const auto prepared = quantized ? qat(net) : nullptr;
    nn::Module& model = quantized ? static_cast<nn::Module&>(*prepared) : net;
    const Tensor x = random_tensor(kBatch, 1);
    const double first = train_step(net, model, x, 0.02f);
    double last = first;
    for (int i = 0; i < 60; ++i) last = train_step(net, model, x, 0.02f);
    return first - last;
  };
  const double real = lowered(false);
  BOOST_TEST(real > 0);
  BOOST_TEST(lowered(true) > (1 - std::pow(0.99, 60)) * real);
}

BOOST_AUTO_TEST_CASE(what_is_trained_is_what_ships_to_the_bit) {
  nn::manual_seed(4);
  Net net;
  check_trained_is_what_ships(net, *qat(net), [](uint64_t i) { return random_tensor(kBatch, i); });
  Language model;
  check_trained_is_what_ships(model, *qat(model, random_indices(1, 1)),
                              [](uint64_t i) { return random_indices(4, i); });
}

BOOST_AUTO_TEST_CASE(gradients_point_where_those_of_the_float_model_do) {
  nn::manual_seed(5);
  Net net;
  check_gradients_are_near_those_of_float(net, *qat(net), random_tensor(kBatch, 1));
  Language model;
  check_gradients_are_near_those_of_float(model, *qat(model, random_indices(1, 1)),
                                          random_indices(4, 1));
}

}  // namespace octet::quant
