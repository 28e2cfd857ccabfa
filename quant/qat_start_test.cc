// Training that begins where calibration stopped (prepare_qat of a calibrated model).
#define BOOST_TEST_MODULE qat_start
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "nn/activation.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/cat.h"
#include "nn/conv2d.h"
#include "nn/nn_testing.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/equalize.h"
#include "quant/prepare.h"
#include "quant/quant_testing.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

constexpr int64_t kChannels = 8;
const Shape kExample = {1, 9, 11, 3};

Tensor images(uint64_t seed) { return random_tensor({4, 9, 11, 3}, seed); }

// A residual stage whose channels differ by factors of up to 2^7, as a trained model's may: what
// reads the small ones takes them seriously. One of its makers has a batch norm, one has none.
struct Stage : nn::Module {
  nn::Conv2d enter{3, kChannels, {.kernel_size = 3, .padding = 1, .bias = false}};
  nn::BatchNorm2d enter_bn{kChannels};
  nn::Conv2d wide{kChannels, 16, {.kernel_size = 1, .bias = false}};
  nn::BatchNorm2d wide_bn{16};
  nn::Conv2d back{16, kChannels, {.kernel_size = 1}};
  nn::Conv2d depthwise{kChannels, kChannels, {.kernel_size = 3, .groups = kChannels}};
  nn::ReLU6 relu6;

  explicit Stage(uint64_t seed) {
    nn::manual_seed(seed);
    register_module("enter", enter);
    register_module("enter_bn", enter_bn);
    register_module("wide", wide);
    register_module("wide_bn", wide_bn);
    register_module("back", back);
    register_module("depthwise", depthwise);
    register_module("relu6", relu6);
    Rng rng(seed);
    for (nn::BatchNorm2d* bn : {&enter_bn, &wide_bn}) {
      for (float& v : bn->running_mean.values<float>()) v = rng.uniform(-0.2f, 0.2f);
      for (float& v : bn->running_var.values<float>()) v = rng.uniform(0.1f, 0.5f);
      for (float& v : bn->bias.values<float>()) v = rng.uniform(-0.5f, 0.5f);
    }
    for (int64_t c = 0; c < kChannels; ++c) {
      const float factor = std::ldexp(1.0f, -static_cast<int>(c));
      enter_bn.weight.data<float>()[c] *= factor;
      enter_bn.bias.data<float>()[c] *= factor;
      back.bias.data<float>()[c] *= factor;
      for (int64_t k = 0; k < 16; ++k) back.weight.data<float>()[c * 16 + k] *= factor;
      for (int64_t o = 0; o < 16; ++o) wide.weight.data<float>()[o * kChannels + c] /= factor;
      for (int64_t k = 0; k < 9; ++k) depthwise.weight.data<float>()[c * 9 + k] /= factor;
    }
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = enter_bn(enter(x));
    return depthwise(nn::add(a, back(relu6(wide_bn(wide(a))))));
  }
};

void observe(PreparedModel& prepared) {
  for (uint64_t seed = 0; seed < 4; ++seed) prepared(images(seed));
}

// In the zoo's way (zoo/calibrate.h).
std::unique_ptr<PreparedModel> calibrated(nn::Module& net, const QConfig& qconfig,
                                          bool equalized = true) {
  auto prepared = prepare(net, Tensor::zeros(kExample), QConfigMapping().set_global(qconfig));
  observe(*prepared);
  if (equalized && equalize(*prepared) > 0) observe(*prepared);
  return prepared;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

double squared_distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.elements(); ++i)
    sum += std::pow(double{a.data<float>()[i]} - double{b.data<float>()[i]}, 2);
  return sum;
}

void check_starts_as_converted(nn::Module& net, const QConfig& qconfig, const QConfig& trained) {
  const auto prepared = calibrated(net, qconfig);
  const auto qat = prepare_qat(*prepared, QConfigMapping().set_global(trained));
  const Tensor x = images(70);
  const auto want = testing::run_program(convert(*prepared).program, x);
  const auto got = testing::run_program(convert(*qat).program, x);
  BOOST_TEST_REQUIRE(want.size() == got.size());
  for (const auto& [name, value] : want) BOOST_TEST(same_bits(value, got.at(name)), name);
  qat->disable_observer();
  qat->freeze_bn_stats();
  BOOST_TEST(same_bits((*qat)(x), want.at("output")));
  qat->eval();
  BOOST_TEST(same_bits((*qat)(x), want.at("output")));
}

// Steps of gradient descent on the squared distance to what the float model said, frozen; returns
// the last distance, on images that no step has seen.
double distance_after(int steps, bool equalized) {
  Stage net(1);
  net.eval();
  std::vector<Tensor> targets;
  for (uint64_t seed = 0; seed < 4; ++seed) targets.push_back(net(images(seed)));
  const Tensor held_out = net(images(71));
  const auto prepared = calibrated(net, get_default_qconfig("x86"), equalized);
  const auto qat = prepare_qat(*prepared, get_default_qat_qconfig_mapping("x86"));
  qat->disable_observer();
  qat->freeze_bn_stats();
  for (int step = 0; step < steps; ++step) {
    const Tensor& target = targets[static_cast<size_t>(step % 4)];
    const Recording recording;
    const Tensor y = (*qat)(images(static_cast<uint64_t>(step % 4)));
    Tensor dy = Tensor::empty(y.shape());
    for (int64_t i = 0; i < y.elements(); ++i)
      dy.data<float>()[i] =
          (y.data<float>()[i] - target.data<float>()[i]) / static_cast<float>(y.elements());
    backward(y, dy);
    for (const auto& [name, parameter] : net.named_parameters()) {
      for (int64_t i = 0; i < parameter.elements(); ++i)
        parameter.data<float>()[i] -= 1e-3f * parameter.grad().data<float>()[i];
      parameter.zero_grad();
    }
  }
  qat->eval();
  return squared_distance((*qat)(images(71)), held_out);
}

}  // namespace

BOOST_AUTO_TEST_CASE(before_the_first_step_it_is_the_static_model_to_the_bit) {
  for (const char* backend : {"x86", "qnnpack"}) {
    for (const int bits : {8, 4}) {
      BOOST_TEST_CONTEXT(backend << ", " << bits << " bits") {
        const QConfig by_range = with_weight_bits(backend, bits, true);
        Stage net(2), other(2);
        check_starts_as_converted(net, with_weight_bits(backend, bits, false), by_range);
        check_starts_as_converted(other, with_weight_bits(backend, bits, false),
                                  get_lsq_qconfig(backend, bits));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_of_a_concatenation_begin_with_the_range_of_the_whole) {
  nn::manual_seed(3);
  nn::Conv2d small(3, 4, {.kernel_size = 1}), large(3, 4, {.kernel_size = 1});
  for (float& w : large.weight.values<float>()) w *= 16.0f;
  nn::testing::Lambda net([&](const Tensor& x) { return nn::cat({small(x), large(x)}); });
  net.add("small", small);
  net.add("large", large);
  check_starts_as_converted(net, get_default_qconfig("x86"), get_default_qat_qconfig("x86"));
}

// A factor that is a power of two rounds nothing.
BOOST_AUTO_TEST_CASE(absorbed_factors_leave_the_float_model_and_its_ranges_as_they_were) {
  Stage net(4);
  net.eval();
  const Tensor x = images(72), before = net(x);
  auto prepared = calibrated(net, get_default_qconfig("x86"), false);
  BOOST_TEST_REQUIRE(equalize(*prepared) == 3);  // enter, back and the sum
  std::vector<Tensor> factors;
  for (size_t v = 0; v < prepared->graph().values.size(); ++v) {
    const Tensor& s = prepared->channel_scales(static_cast<int>(v));
    factors.push_back(s.defined() ? s.clone() : Tensor());
    if (!s.defined()) continue;
    for (float& f : factors.back().values<float>()) f = std::exp2(std::round(std::log2(f)));
    BOOST_TEST(factors.back().data<float>()[kChannels - 1] >= 4 * factors.back().data<float>()[0]);
  }
  prepared->set_channel_scales(factors);
  observe(*prepared);
  const auto scaled = testing::run_program(convert(*prepared).program, x);
  const Tensor weight = net.enter_bn.weight.clone();
  prepared->absorb_channel_scales();
  BOOST_TEST(!same_bits(weight, net.enter_bn.weight));
  BOOST_TEST(same_bits(net(x), before));
  const auto absorbed = testing::run_program(convert(*prepared).program, x);
  for (const auto& [name, value] : scaled) BOOST_TEST(same_bits(value, absorbed.at(name)), name);
}

BOOST_AUTO_TEST_CASE(layers_that_share_weights_keep_their_channels) {
  nn::manual_seed(5);
  nn::Conv2d enter(3, 4, {.kernel_size = 1}), again(4, 4, {.kernel_size = 1});
  for (int64_t k = 0; k < 3; ++k) enter.weight.data<float>()[k] *= 64.0f;
  nn::testing::Lambda net([&](const Tensor& x) {
    const Tensor a = nn::relu(enter(x));
    return again(nn::relu(again(a)));
  });
  net.add("enter", enter);
  net.add("again", again);
  const auto prepared = calibrated(net, get_default_qconfig("x86"), false);
  BOOST_TEST(equalize(*prepared) == 0);
}

// The channels of the stage differ by up to 2^7, so unequalized ones have down to a bit of 8; no
// step of training gives them levels that their scale hasn't.
BOOST_AUTO_TEST_CASE(training_from_equalized_channels_ends_nearer_to_the_float_model) {
  for (const int steps : {0, 50}) {
    const double plain = distance_after(steps, false), equalized = distance_after(steps, true);
    BOOST_TEST_MESSAGE(steps << " steps: " << plain << " and, equalized, " << equalized);
    BOOST_TEST(equalized < plain / 4, steps << " steps: " << plain << ", " << equalized);
  }
}

}  // namespace octet::quant
