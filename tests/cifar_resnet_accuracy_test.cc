// ResNet-20 and ResNet-56 with trained weights on CIFAR-10: the very images that PyTorch gets
// right in float, at most 0.3 points less in int8, and one answer simulated or run.
//
// The figures come from shared data's README: PyTorch's float models are right on 4067 and 4139 of
// the 5000 images, its int8 models (per channel, 8 bits) on 4069 and 4144.
#define BOOST_TEST_MODULE cifar_resnet_accuracy
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "base/parallel.h"
#include "nn/graph.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"
#include "tensor/state_dict.h"
#include "tests/octet_data.h"
#include "zoo/cifar10.h"
#include "zoo/evaluate.h"
#include "zoo/models.h"

namespace octet {
namespace {

// Sanitizers make the job many times longer: they see a few images, for the bits alone.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kImages = 16, kCalibration = 16;
#else
constexpr size_t kImages = 5000, kCalibration = 512;
#endif
constexpr bool kAllImages = kImages == 5000;

std::vector<size_t> first_indices(size_t count) {
  std::vector<size_t> indices(count);
  std::iota(indices.begin(), indices.end(), size_t{0});
  return indices;
}

// The first `count` images, [count, 32, 32, 3].
Tensor images_of(const zoo::Dataset& data, size_t count) {
  const zoo::Preprocessing& how = data.preprocessing();
  Tensor x = Tensor::zeros({static_cast<int64_t>(count), how.crop, how.crop, 3});
  for (size_t i = 0; i < count; ++i) {
    zoo::preprocess(data.image(i), how, x.data<float>() + i * how.elements());
  }
  return x;
}

size_t count_right(const engine::Program& program, const zoo::Dataset& data) {
  auto model = engine::Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  // Threads would wait for each other at each of a hundred small layers.
  SingleThread alone;
  zoo::Progress progress("images", kImages);
  const zoo::Predictions predictions =
      zoo::predict(*model, data, first_indices(kImages), alone, progress);
  BOOST_TEST(predictions.size() == kImages);
  return zoo::count_top(predictions, 1);
}

void observe(quant::PreparedModel& prepared, const Tensor& images) {
  constexpr int64_t kBatch = 16;
  for (int64_t i = 0; i < images.dim(0); i += kBatch) prepared(images.slice(i, i + kBatch));
}

void check_model(const std::string& name, size_t expected) {
  const auto data = octet_data();
  if (!data) return;
  const zoo::ModelEntry& entry = zoo::find_model(name);
  const std::unique_ptr<nn::Module> model = entry.create({});
  model->load_state_dict(load_state_dict_file(*data + "/weights/" + name + ".th"));
  model->eval();
  const std::string folder = *data + "/cifar10_dev";
  const zoo::Cifar10Images test(folder, zoo::Split::test, entry.preprocessing);
  const zoo::Cifar10Images training(folder, zoo::Split::train, entry.preprocessing);
  BOOST_TEST_REQUIRE(test.size() == 5000u);
  const Tensor example = Tensor::zeros({1, 32, 32, 3});

  const size_t right = count_right(nn::lower(nn::trace(*model, example)), test);
  if (kAllImages) BOOST_TEST(right == expected);

  const auto prepared = quant::prepare(*model, example, quant::get_default_qconfig_mapping("x86"));
  const Tensor calibration = images_of(training, kCalibration);
  observe(*prepared, calibration);
  if (quant::equalize(*prepared) > 0) observe(*prepared, calibration);
  const quant::Conversion conversion = quant::convert(*prepared);
  for (const quant::LayerReport& layer : conversion.layers) {
    BOOST_TEST(layer.quantized, layer.name << " stays float: " << layer.note);
  }
  quant::testing::check_simulate_equals_engine(*prepared, conversion.program, images_of(test, 4));
  const size_t int8_right = count_right(conversion.program, test);
  BOOST_TEST_MESSAGE(name << ": float " << right << ", int8 " << int8_right << " of " << kImages);
  if (kAllImages) BOOST_TEST(int8_right + 15 >= right);
}

}  // namespace

BOOST_AUTO_TEST_CASE(resnet20_is_pytorchs_in_float_and_close_in_int8) {
  check_model("resnet20", 4067);
}

BOOST_AUTO_TEST_CASE(resnet56_is_pytorchs_in_float_and_close_in_int8) {
  check_model("resnet56", 4139);
}

}  // namespace octet
