// MobileNetV2 at full width gives one answer: simulated or run, on every target, with any number of
// threads, in any batch, before and after a file. Weights are from a seed; images of 64 x 64 keep
// the test short, and one of 224 x 224 goes the whole way.
#define BOOST_TEST_MODULE mobilenet_bits
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <set>

#include "base/parallel.h"
#include "base/temp_folder_testing.h"
#include "engine/format.h"
#include "kernels/kernel_testing.h"
#include "nn/graph.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "tests/generated_images.h"
#include "zoo/random_model.h"

namespace octet {
namespace {

constexpr int kSide = 64, kFullSide = 224;
constexpr int64_t kImages = 8;

nn::Module& network() {
  static const std::unique_ptr<nn::Module> model = [] {
    SingleThread pool;
    const GeneratedImages images(kImages, kSide);
    return zoo::create_random_model("mobilenet_v2", 7, images,
                                    zoo::spread_indices(kImages, kImages), pool);
  }();
  return *model;
}

// [count, side, side, 3]
Tensor generated_input(int64_t count, int side) {
  const GeneratedImages images(static_cast<size_t>(count), side);
  Tensor x = Tensor::zeros({count, side, side, 3});
  for (size_t i = 0; i < images.size(); ++i) {
    const zoo::Preprocessing& how = images.preprocessing();
    zoo::preprocess(images.image(i), how, x.data<float>() + i * how.elements());
  }
  return x;
}

struct Quantized {
  std::unique_ptr<quant::PreparedModel> prepared;
  engine::Program program;
};

Quantized quantize(int side, int64_t calibration) {
  Quantized q;
  q.prepared = quant::prepare(network(), Tensor::zeros({1, side, side, 3}),
                              quant::get_default_qconfig_mapping("x86"));
  const Tensor images = generated_input(calibration, side);
  (*q.prepared)(images);
  if (quant::equalize(*q.prepared) > 0) (*q.prepared)(images);
  q.program = quant::convert(*q.prepared).program;
  return q;
}

Quantized& quantized() {
  static Quantized q = quantize(kSide, kImages);
  return q;
}

const engine::Program& float_program() {
  static const engine::Program program =
      nn::lower(nn::trace(network(), Tensor::zeros({1, kSide, kSide, 3})));
  return program;
}

using Logits = std::vector<float>;
using ModelPtr = std::shared_ptr<const engine::Model>;

ModelPtr create(const engine::Program& program) {
  auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  return *model;
}

// The logits of all images of x, `batch` of them at a time.
Logits logits_of(const ModelPtr& model, const Tensor& x, int64_t batch, ParallelFor& pool) {
  auto session =
      engine::Session::create(model, {.batch = static_cast<size_t>(batch), .pool = &pool});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  engine::Session& s = **session;
  const Shape out = s.shape(model->program().outputs[0]);
  Logits logits;
  for (int64_t begin = 0; begin < x.dim(0); begin += batch) {
    const Tensor images = x.slice(begin, begin + batch);
    std::memcpy(s.input(), images.raw(), images.bytes());
    s.run();
    const auto* values = static_cast<const float*>(s.output());
    logits.insert(logits.end(), values, values + out.elements());
  }
  return logits;
}

bool same_bits(const Logits& a, const Logits& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// On the current target: every image gives `expected`, whoever computes it beside whom.
void check_threads_and_batches(const engine::Program& program, const Tensor& x,
                               const Logits& expected) {
  const ModelPtr model = create(program);
  for (const unsigned threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    for (const int64_t batch : {int64_t{1}, x.dim(0)}) {
      BOOST_TEST(same_bits(logits_of(model, x, batch, pool), expected),
                 threads << " threads, batch " << batch);
    }
  }
}

Logits one_by_one(const engine::Program& program, const Tensor& x) {
  SingleThread alone;
  return logits_of(create(program), x, 1, alone);
}

// Else equal bits below would say little.
BOOST_AUTO_TEST_CASE(the_networks_layers_are_alive) {
  const Tensor x = generated_input(kImages, kSide);
  for (const auto& [name, value] : quant::testing::run_program(quantized().program, x)) {
    if (value.dtype() != DType::u8) continue;
    const std::span<uint8_t> integers = value.values<uint8_t>();
    BOOST_TEST(std::set<uint8_t>(integers.begin(), integers.end()).size() > 64u, name);
  }
  const Logits logits = one_by_one(quantized().program, x);
  const size_t classes = logits.size() / kImages;
  BOOST_TEST_REQUIRE(classes == 1000u);
  std::set<Logits> different;
  for (size_t i = 0; i < kImages; ++i) {
    different.emplace(logits.begin() + i * classes, logits.begin() + (i + 1) * classes);
  }
  BOOST_TEST(different.size() == size_t{kImages});
}

BOOST_AUTO_TEST_CASE(every_layer_is_quantized) {
  const quant::Conversion conversion = quant::convert(*quantized().prepared);
  for (const quant::LayerReport& layer : conversion.layers) {
    BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
  }
  // 52 convolutions, 10 additions, the average pool, flatten and linear.
  BOOST_TEST(conversion.layers.size() == 65u);
}

BOOST_AUTO_TEST_CASE(simulate_equals_engine_at_every_layer) {
  const Tensor x = generated_input(2, kSide);
  kernels::testing::for_each_target([&] {
    quant::testing::check_simulate_equals_engine(*quantized().prepared, quantized().program, x);
  });
}

BOOST_AUTO_TEST_CASE(int8_bits_are_the_same_on_every_target_for_all_threads_and_batches) {
  const Tensor x = generated_input(kImages, kSide);
  const engine::Program& program = quantized().program;
  const Logits expected = one_by_one(program, x);
  kernels::testing::for_each_target([&] { check_threads_and_batches(program, x, expected); });
}

BOOST_AUTO_TEST_CASE(float_bits_are_the_same_for_all_threads_and_batches) {
  const Tensor x = generated_input(kImages, kSide);
  kernels::testing::for_each_target(
      [&] { check_threads_and_batches(float_program(), x, one_by_one(float_program(), x)); });
}

BOOST_AUTO_TEST_CASE(at_224_simulate_equals_engine_and_every_target_gives_its_bits) {
  Quantized full = quantize(kFullSide, 1);
  const Tensor x = generated_input(2, kFullSide);
  quant::testing::check_simulate_equals_engine(*full.prepared, full.program, x.slice(1, 2));
  const Logits expected = one_by_one(full.program, x);
  ThreadPool pool(2);
  kernels::testing::for_each_target(
      [&] { BOOST_TEST(same_bits(logits_of(create(full.program), x, 2, pool), expected)); });
}

BOOST_AUTO_TEST_CASE(a_file_keeps_the_bits_and_is_small) {
  const TempFolder folder;
  const Tensor x = generated_input(kImages, kSide);
  const struct {
    const char* name;
    const engine::Program& program;
    double max_bytes;
  } cases[] = {{"int8.octet", quantized().program, 3.65e6},
               {"float.octet", float_program(), 14.3e6}};
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.name) {
      const std::string path = folder.path(c.name);
      const auto saved = engine::save(c.program, path);
      BOOST_REQUIRE_MESSAGE(saved, saved.why());
      const auto bytes = static_cast<double>(std::filesystem::file_size(path));
      BOOST_TEST(bytes <= c.max_bytes);
      const auto loaded = engine::Model::load(path);
      BOOST_REQUIRE_MESSAGE(loaded, loaded.why());
      SingleThread alone;
      BOOST_TEST(same_bits(logits_of(*loaded, x, 1, alone), one_by_one(c.program, x)));
    }
  }
}

}  // namespace
}  // namespace octet
