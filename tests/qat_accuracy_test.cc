// Weights of 4 bits on the trained ResNet-20: what calibration loses, an epoch of
// quantization-aware training gives back; and what it ends with is what the engine computes.
#define BOOST_TEST_MODULE qat_accuracy
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "engine/model.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "tensor/threads.h"
#include "tests/octet_data.h"
#include "zoo/cifar10.h"
#include "zoo/evaluate.h"
#include "zoo/models.h"
#include "zoo/trainer.h"

namespace octet {
namespace {

// Sanitizers make the job many times longer: they see a few images and no figures.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kTraining = 64, kTest = 16, kCalibration = 16, kSimulated = 4;
#else
constexpr size_t kTraining = 10000, kTest = 5000, kCalibration = 512, kSimulated = 100;
#endif

std::vector<size_t> first_indices(size_t count) {
  std::vector<size_t> indices(count);
  std::iota(indices.begin(), indices.end(), size_t{0});
  return indices;
}

double accuracy(engine::Program program, const zoo::Dataset& data) {
  auto model = engine::Model::create(std::move(program));
  BOOST_REQUIRE_MESSAGE(model, model.why());
  zoo::Progress progress("images", data.size());
  const zoo::Predictions predictions =
      zoo::predict(*model, data, first_indices(data.size()), default_pool(), progress);
  return 100.0 * static_cast<double>(zoo::count_top(predictions, 1)) /
         static_cast<double>(data.size());
}

double static_accuracy(nn::Module& model, const zoo::Dataset& training, const zoo::Dataset& test) {
  const auto prepared =
      quant::prepare(model, Tensor::zeros({1, 32, 32, 3}),
                     quant::QConfigMapping().set_global(quant::with_weight_bits("x86", 4, false)));
  for (size_t i = 0; i < kCalibration; ++i)
    (*prepared)(zoo::preprocess(training.image(i), training.preprocessing()));
  return accuracy(quant::convert(*prepared).program, test);
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_epoch_of_training_with_4_bit_weights_wins_5_points_over_calibration) {
  const auto data = octet_data();
  if (!data) return;
  const zoo::ModelEntry& entry = zoo::find_model("resnet20");
  const std::string folder = *data + "/cifar10_dev";
  const zoo::Cifar10Images all(folder, zoo::Split::train, entry.preprocessing);
  const zoo::Cifar10Images all_test(folder, zoo::Split::test, entry.preprocessing);
  const zoo::Subset training(all, first_indices(kTraining)), test(all_test, first_indices(kTest));
  const auto model = entry.create({});
  zoo::load_weights(*model, *data + "/weights/resnet20.th");
  model->eval();
  const double calibrated = static_accuracy(*model, training, test);

  const zoo::Subset calibration(training, first_indices(kCalibration));
  zoo::Trainer trainer({.model = *model,
                        .train = training,
                        .test = &test,
                        .augmentation = {.padding = 4, .flip = true},
                        .calibration = &calibration},
                       {.epochs = 1,
                        .batch_size = 64,
                        .lr = 0.01,
                        .weight_decay = 1e-4,
                        .qat = true,
                        .weight_bits = 4});
  trainer.run([](const std::vector<zoo::EpochFigures>&) {});
  const double trained = 100 * trainer.history().back().test_accuracy;
  BOOST_TEST_MESSAGE("4-bit weights, calibrated " << calibrated << " %, trained " << trained
                                                  << " %");
  if (kTest == 5000) BOOST_TEST(trained >= calibrated + 5);

  const zoo::Subset some(all_test, first_indices(kSimulated));
  BOOST_TEST(trainer.count_equal_simulations(some) == kSimulated);
}

}  // namespace octet
