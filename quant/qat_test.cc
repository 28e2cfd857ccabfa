#define BOOST_TEST_MODULE qat
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>
#include <string>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"
#include "nn/optimizer.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/quant_testing.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "tensor/threads.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

struct Net : nn::Module {
  nn::Conv2d stem{3, 8, {.kernel_size = 3, .stride = 2, .padding = 1, .bias = false}};
  nn::BatchNorm2d stem_bn{8};
  nn::ReLU6 relu6;
  nn::Conv2d depthwise{8, 8, {.kernel_size = 3, .padding = 1, .groups = 8, .bias = false}};
  nn::BatchNorm2d depthwise_bn{8};
  nn::Conv2d project{8, 8, {.kernel_size = 1}};
  nn::MaxPool2d pool{{.kernel_size = 3, .stride = 2, .padding = 1}};
  nn::AdaptiveAvgPool2d average{1};
  nn::Linear fc{8, 5};

  Net() {
    register_module("stem", stem);
    register_module("stem_bn", stem_bn);
    register_module("relu6", relu6);
    register_module("depthwise", depthwise);
    register_module("depthwise_bn", depthwise_bn);
    register_module("project", project);
    register_module("pool", pool);
    register_module("average", average);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = relu6(stem_bn(stem(x)));
    const Tensor b = nn::relu(nn::add(a, project(relu6(depthwise_bn(depthwise(a))))));
    return fc(nn::flatten(average(pool(b))));
  }
};

const Shape kShape = {4, 17, 19, 3};

// One step of plain gradient descent towards outputs that are random numbers; returns the squared
// error of before.
float train_step(nn::Module& net, PreparedModel& prepared, const Tensor& x, float rate) {
  const Recording recording;
  const Tensor y = prepared(x);
  const Tensor target = random_tensor(y.shape(), 99);
  Tensor dy = Tensor::empty(y.shape());
  float loss = 0;
  for (int64_t i = 0; i < y.elements(); ++i) {
    const float d = y.data<float>()[i] - target.data<float>()[i];
    dy.data<float>()[i] = d;
    loss += d * d;
  }
  backward(y, dy);
  for (const auto& [name, parameter] : net.named_parameters()) {
    BOOST_REQUIRE_MESSAGE(parameter.grad().defined(), name);
    for (int64_t i = 0; i < parameter.elements(); ++i)
      parameter.data<float>()[i] -= rate * parameter.grad().data<float>()[i];
    parameter.zero_grad();
  }
  return loss;
}

void check_equals_engine(PreparedModel& prepared, const Tensor& x) {
  const Conversion conversion = convert(prepared);
  const auto computed = testing::run_program(conversion.program, x);
  const Tensor y = prepared(x);
  const Tensor& want = computed.at("output");
  BOOST_REQUIRE((y.shape() == want.shape()));
  BOOST_TEST(std::memcmp(y.raw(), want.raw(), y.bytes()) == 0);
}

std::unique_ptr<PreparedModel> qat(nn::Module& net, const std::string& backend = "x86") {
  return prepare_qat(net, Tensor::zeros({1, 17, 19, 3}), get_default_qat_qconfig_mapping(backend));
}

}  // namespace

BOOST_AUTO_TEST_CASE(training_lowers_the_loss_for_every_backend) {
  for (const char* backend : {"x86", "qnnpack"}) {
    nn::manual_seed(1);
    Net net;
    const auto prepared = qat(net, backend);
    const Tensor x = random_tensor(kShape, 1);
    const float first = train_step(net, *prepared, x, 0.01f);
    float last = first;
    for (int i = 0; i < 60; ++i) last = train_step(net, *prepared, x, 0.01f);
    BOOST_TEST(last < 0.5f * first);
  }
}

BOOST_AUTO_TEST_CASE(in_eval_mode_it_computes_what_ships_to_the_bit) {
  nn::manual_seed(2);
  Net net;
  const auto prepared = qat(net);
  for (int i = 0; i < 5; ++i) train_step(net, *prepared, random_tensor(kShape, i), 0.01f);
  prepared->eval();
  check_equals_engine(*prepared, random_tensor(kShape, 50));
  const Conversion conversion = convert(*prepared);
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 51));
}

BOOST_AUTO_TEST_CASE(frozen_training_computes_what_ships_to_the_bit) {
  nn::manual_seed(3);
  Net net;
  const auto prepared = qat(net);
  for (int i = 0; i < 5; ++i) train_step(net, *prepared, random_tensor(kShape, i), 0.01f);
  prepared->disable_observer();
  prepared->freeze_bn_stats();
  for (int i = 0; i < 3; ++i) {
    check_equals_engine(*prepared, random_tensor(kShape, 60 + i));
    train_step(net, *prepared, random_tensor(kShape, i), 0.01f);
  }
}

BOOST_AUTO_TEST_CASE(a_first_pass_in_eval_mode_observes_and_leaves_batch_norm_alone) {
  nn::manual_seed(9);
  Net net;
  const auto prepared = qat(net);
  prepared->eval();
  (*prepared)(random_tensor(kShape, 0));
  for (const float mean : net.stem_bn.running_mean.values<float>()) BOOST_TEST(mean == 0.0f);
  for (const float var : net.stem_bn.running_var.values<float>()) BOOST_TEST(var == 1.0f);
  check_equals_engine(*prepared, random_tensor(kShape, 50));
}

BOOST_AUTO_TEST_CASE(the_input_may_meet_any_layer_first) {
  const auto check = [](auto forward) {
    nn::manual_seed(7);
    nn::Conv2d conv(3, 4, {.kernel_size = 3});
    nn::testing::Lambda net([&](const Tensor& x) { return conv(forward(x)); });
    net.add("conv", conv);
    const auto prepared = qat(net);
    for (int i = 0; i < 3; ++i) train_step(net, *prepared, random_tensor(kShape, i), 0.0f);
    prepared->disable_observer();
    check_equals_engine(*prepared, random_tensor(kShape, 60));
  };
  check([](const Tensor& x) { return nn::add(x, x); });
  check([](const Tensor& x) { return nn::max_pool2d(x, {.kernel_size = 3}); });
}

BOOST_AUTO_TEST_CASE(a_linear_layer_takes_the_pixels_of_an_image) {
  nn::manual_seed(8);
  nn::Linear linear(3, 6);
  const auto prepared = qat(linear);
  for (int i = 0; i < 3; ++i) train_step(linear, *prepared, random_tensor(kShape, i), 0.01f);
  prepared->disable_observer();
  for (const bool training : {true, false}) {
    prepared->train(training);
    check_equals_engine(*prepared, random_tensor(kShape, 60));
  }
}

BOOST_AUTO_TEST_CASE(
    frozen_batch_norm_keeps_its_statistics_and_observers_that_are_off_their_ranges) {
  nn::manual_seed(4);
  Net net;
  const auto prepared = qat(net);
  train_step(net, *prepared, random_tensor(kShape, 0), 0.01f);
  prepared->freeze_bn_stats();
  prepared->disable_observer();
  const Tensor mean = net.stem_bn.running_mean.clone();
  const auto ranges = prepared->weight_observer(0)->ranges();
  train_step(net, *prepared, random_tensor(kShape, 1), 0.01f);
  BOOST_TEST(std::memcmp(mean.raw(), net.stem_bn.running_mean.raw(), mean.bytes()) == 0);
  BOOST_CHECK(ranges == prepared->weight_observer(0)->ranges());
}

// Batch norm takes the bias of a convolution out again.
struct BiasedNet : nn::Module {
  nn::Conv2d conv;
  nn::BatchNorm2d bn{8};
  explicit BiasedNet(bool bias) : conv(3, 8, {.kernel_size = 3, .padding = 1, .bias = bias}) {
    register_module("conv", conv);
    register_module("bn", bn);
  }
  Tensor forward(const Tensor& x) override { return nn::relu(bn(conv(x))); }
};

BOOST_AUTO_TEST_CASE(a_bias_before_batch_norm_trains_as_if_it_were_not_there) {
  BiasedNet with(true), without(false);
  for (int64_t i = 0; i < with.conv.weight.elements(); ++i)
    without.conv.weight.data<float>()[i] = with.conv.weight.data<float>()[i];
  for (int64_t c = 0; c < 8; ++c) with.conv.bias.data<float>()[c] = static_cast<float>(c) - 3.5f;
  const Tensor bias = with.conv.bias.clone();
  const auto a = qat(with), b = qat(without);
  for (int i = 0; i < 5; ++i)
    BOOST_TEST(train_step(with, *a, random_tensor(kShape, i), 0.01f) ==
               train_step(without, *b, random_tensor(kShape, i), 0.01f));
  BOOST_TEST(std::memcmp(bias.raw(), with.conv.bias.raw(), bias.bytes()) == 0);
  // Running statistics are of the convolution's output with its bias, and start from 0.
  for (int64_t c = 0; c < 8; ++c) {
    const float of_bias = (1 - std::pow(0.9f, 5.0f)) * bias.data<float>()[c];
    BOOST_TEST(
        with.bn.running_mean.data<float>()[c] == without.bn.running_mean.data<float>()[c] + of_bias,
        boost::test_tools::tolerance(1e-4f));
  }
  a->eval();
  check_equals_engine(*a, random_tensor(kShape, 50));
}

BOOST_AUTO_TEST_CASE(a_bias_before_frozen_batch_norm_has_its_gradient) {
  BiasedNet net(true);
  const auto prepared = qat(net);
  train_step(net, *prepared, random_tensor(kShape, 1), 0.0f);
  prepared->freeze_bn_stats();
  for (const bool observers : {true, false}) {
    if (!observers) prepared->disable_observer();
    const Recording recording;
    const Tensor y = (*prepared)(random_tensor(kShape, 2));
    backward(y, random_tensor(y.shape(), 3));
    for (int64_t c = 0; c < 8; ++c) {
      const float s =
          net.bn.weight.data<float>()[c] / std::sqrt(net.bn.running_var.data<float>()[c] + 1e-5f);
      BOOST_TEST(net.conv.bias.grad().data<float>()[c] == net.bn.bias.grad().data<float>()[c] * s,
                 boost::test_tools::tolerance(1e-5f));
    }
    for (const auto& [name, parameter] : net.named_parameters()) parameter.zero_grad();
  }
}

// What the two quantizations lose is a function of the scales: moving a scale against its gradient
// must lower the loss, more than in the other direction.
BOOST_AUTO_TEST_CASE(learned_scales_follow_their_gradients) {
  for (const bool frozen : {false, true}) {
    nn::manual_seed(6);
    Net net;
    const auto prepared = prepare_qat(net, Tensor::zeros({1, 17, 19, 3}),
                                      QConfigMapping().set_global(get_lsq_qconfig("x86", 4)));
    const Tensor x = random_tensor(kShape, 3);
    train_step(net, *prepared, x, 0.0f);
    prepared->enable_observer(!frozen);
    prepared->freeze_bn_stats(true);
    const auto scales = prepared->named_scales();
    BOOST_TEST_REQUIRE(scales.size() == 8u);
    std::set<std::string> names;
    for (const auto& [name, parameter] : net.named_parameters()) names.insert(name);
    for (const auto& [name, scale] : scales) {
      BOOST_TEST(names.insert(name).second, name);
      scale.zero_grad();
    }
    const float loss = train_step(net, *prepared, x, 0.0f);
    // All scales at once, by a step whose first-order change is known.
    double squares = 0;
    for (const auto& [name, scale] : scales) {
      BOOST_TEST_REQUIRE(scale.grad().defined(), name);
      for (int64_t i = 0; i < scale.elements(); ++i)
        squares += std::pow(scale.grad().data<float>()[i], 2);
    }
    BOOST_TEST(squares > 0);
    const auto loss_after = [&](double step) {
      std::vector<Tensor> before;
      for (const auto& [name, scale] : scales) {
        before.push_back(scale.clone());
        for (int64_t i = 0; i < scale.elements(); ++i)
          scale.data<float>()[i] *=
              static_cast<float>(1 - step * (scale.grad().data<float>()[i] > 0 ? 1 : -1));
      }
      const Recording recording;
      const Tensor y = (*prepared)(x);
      const Tensor target = random_tensor(y.shape(), 99);
      double sum = 0;
      for (int64_t i = 0; i < y.elements(); ++i)
        sum += std::pow(y.data<float>()[i] - target.data<float>()[i], 2);
      for (size_t i = 0; i < scales.size(); ++i)
        std::ranges::copy(before[i].values<float>(), scales[i].second.data<float>());
      return sum;
    };
    BOOST_TEST(loss_after(0.02) < loss_after(-0.02), "frozen " << frozen << ", loss " << loss);
  }
}

BOOST_AUTO_TEST_CASE(dropout_drops_in_training_alone) {
  struct DropNet : nn::Module {
    nn::Dropout before, after;
    nn::Linear fc{64, 48};
    DropNet(float p_before, float p_after) : before(p_before), after(p_after) {
      register_module("before", before);
      register_module("fc", fc);
      register_module("after", after);
    }
    Tensor forward(const Tensor& x) override { return after(fc(before(x))); }
  };
  const Tensor x = random_tensor({1, 64}, 5);
  // Frozen, after one pass that observed; the result in training.
  const auto run = [&](DropNet& net) {
    const auto prepared =
        prepare_qat(net, Tensor::zeros({1, 64}), get_default_qat_qconfig_mapping("x86"));
    (*prepared)(x);
    prepared->disable_observer();
    const Recording recording;
    const Tensor y = (*prepared)(x);
    backward(y, Tensor::full(y.shape(), 1.0f));
    prepared->eval();
    check_equals_engine(*prepared, x);
    return std::pair(y, (*prepared)(x));
  };
  nn::manual_seed(8);

  DropNet none(0.0f, 0.0f);
  const auto [same, as_shipped] = run(none);
  BOOST_TEST(std::memcmp(same.raw(), as_shipped.raw(), same.bytes()) == 0);

  DropNet outputs(0.0f, 0.5f);
  const auto [y, kept] = run(outputs);
  int zeros = 0;
  for (int64_t i = 0; i < y.elements(); ++i) {
    const float v = y.data<float>()[i];
    zeros += v == 0.0f;
    BOOST_TEST((v == 0.0f || v == 2.0f * kept.data<float>()[i]));
  }
  // Binomial, 48 at 0.5: four standard deviations.
  BOOST_TEST(std::abs(zeros - 24) <= 14);

  // The gradient of a weight is the input that it met, where the result was not cut off.
  DropNet inputs(0.25f, 0.0f);
  run(inputs);
  const float* row = inputs.fc.weight.grad().data<float>();
  const auto is_zero = [](float v) { return v == 0.0f; };
  for (int i = 0; i < 47 && std::all_of(row, row + 64, is_zero); ++i) row += 64;
  zeros = static_cast<int>(std::count_if(row, row + 64, is_zero));
  const auto [least, largest] = std::ranges::minmax(x.values<float>());
  const float step = (largest - least) / 255;
  for (int64_t i = 0; i < 64; ++i) {
    const float scaled = std::clamp(x.data<float>()[i] / 0.75f, least, largest);
    // Rounded before and after 1 / 0.75, and at the ends by a zero point that is an integer.
    BOOST_TEST(
        (row[i] == 0.0f || std::abs(row[i] - scaled) <= (0.5f / 0.75f + 0.5f + 0.5f) * step));
  }
  // 64 at 0.25.
  BOOST_TEST(std::abs(zeros - 16) <= 14);
}

// As after one step that was far too long.
BOOST_AUTO_TEST_CASE(scales_that_crossed_0_are_trained_back) {
  nn::manual_seed(6);
  Net net;
  const auto prepared = prepare_qat(net, Tensor::zeros({1, 17, 19, 3}),
                                    QConfigMapping().set_global(get_lsq_qconfig("x86")));
  const Tensor x = random_tensor(kShape, 3);
  train_step(net, *prepared, x, 0.0f);
  nn::NamedParameters scales = prepared->named_scales();
  std::erase_if(scales, [](const auto& scale) { return scale.first != "fc.weight_scale"; });
  BOOST_TEST_REQUIRE(scales.size() == 1u);
  for (float& scale : scales[0].second.values<float>()) scale = -scale;
  scales[0].second.zero_grad();
  nn::SGD optimizer(scales, {.lr = 1e-5});
  const float first = train_step(net, *prepared, x, 0.0f);
  for (int i = 0; i < 20; ++i) {
    optimizer.step();
    optimizer.zero_grad();
    const float loss = train_step(net, *prepared, x, 0.0f);
    BOOST_TEST(loss < first, "step " << i << ": " << loss << ", " << first << " at 0");
    for (const float scale : scales[0].second.values<float>()) BOOST_TEST(scale > 0);
  }
}

BOOST_AUTO_TEST_CASE(the_same_run_gives_the_same_bits_for_any_number_of_threads) {
  std::vector<Tensor> weights;
  for (unsigned threads : {1u, 2u, 3u}) {
    set_num_threads(threads);
    nn::manual_seed(5);
    Net net;
    const auto prepared = qat(net);
    for (int i = 0; i < 4; ++i) train_step(net, *prepared, random_tensor(kShape, i), 0.01f);
    weights.push_back(net.stem.weight.clone());
    BOOST_TEST(std::memcmp(weights[0].raw(), weights.back().raw(), weights[0].bytes()) == 0);
  }
  set_num_threads(1);
}

}  // namespace octet::quant
