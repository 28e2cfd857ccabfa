// The layers that branches, gates, curves and shuffles bring: one net with all of them, from
// calibration to the integers that ship.
#define BOOST_TEST_MODULE layers
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/activation_f32.h"
#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/cat.h"
#include "nn/channel_shuffle.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/mul.h"
#include "nn/op_support.h"
#include "nn/pointwise.h"
#include "nn/random.h"
#include "nn/slice.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/quant_testing.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

// A small Inception block, a gated one and a split and shuffled one between a stem and a
// classifier.
struct Net : nn::Module {
  nn::Conv2d stem{3, 8, {.kernel_size = 3, .stride = 2, .padding = 1, .bias = false}};
  nn::BatchNorm2d stem_bn{8};
  nn::Conv2d point{8, 6, {.kernel_size = 1}};
  nn::Conv2d wide{8, 10, {.kernel_size = {1, 7}, .padding = {0, 3}, .bias = false}};
  nn::BatchNorm2d wide_bn{10};
  nn::Conv2d pooled{8, 4, {.kernel_size = 1}};
  nn::MaxPool2d pool{{.kernel_size = 3, .stride = 1, .padding = 1}};
  nn::Conv2d squeeze{28, 7, {.kernel_size = 1}}, excite{7, 28, {.kernel_size = 1}};
  nn::AdaptiveAvgPool2d average{1};
  nn::Conv2d half{14, 14, {.kernel_size = {7, 1}, .padding = {3, 0}, .groups = 14}};
  nn::Linear fc{28, 5};

  Net() {
    nn::Module* const modules[] = {&stem, &stem_bn, &point,  &wide,    &wide_bn, &pooled,
                                   &pool, &squeeze, &excite, &average, &half,    &fc};
    const char* const names[] = {"stem", "stem_bn", "point",  "wide",    "wide_bn", "pooled",
                                 "pool", "squeeze", "excite", "average", "half",    "fc"};
    for (size_t i = 0; i < std::size(modules); ++i) register_module(names[i], *modules[i]);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = nn::hardswish(stem_bn(stem(x)));
    const Tensor b =
        nn::cat({nn::relu(point(a)), nn::relu(wide_bn(wide(a))), nn::relu(pooled(pool(a))), a});
    const Tensor gate = nn::hardsigmoid(excite(nn::relu(squeeze(average(b)))));
    const Tensor c = nn::mul(gate, b);
    const Tensor d = nn::mul(nn::sigmoid(c), nn::tanh(c));
    const Tensor left = nn::slice_channels(d, 0, 14), right = nn::slice_channels(d, 14, 28);
    const Tensor e = nn::channel_shuffle(nn::cat({left, nn::gelu(half(right))}), 2);
    return fc(nn::flatten(average(nn::add(c, e))));
  }
};

const Shape kShape = {4, 17, 19, 3}, kExample = {1, 17, 19, 3};

// One step of gradient descent towards random numbers; the squared error of before.
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

double decibels(const Tensor& real, const Tensor& quantized) {
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < real.elements(); ++i) {
    signal += std::pow(real.data<float>()[i], 2);
    noise += std::pow(real.data<float>()[i] - quantized.data<float>()[i], 2);
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_layer_is_quantized_and_simulate_and_engine_agree_to_the_bit) {
  for (const char* backend : {"x86", "qnnpack"}) {
    nn::manual_seed(1);
    Net net;
    const auto prepared =
        prepare(net, Tensor::zeros(kExample), get_default_qconfig_mapping(backend));
    for (uint64_t seed = 0; seed < 4; ++seed) (*prepared)(random_tensor(kShape, seed));
    const Conversion conversion = convert(*prepared);
    for (const LayerReport& layer : conversion.layers)
      BOOST_TEST(layer.quantized, layer.name << ": " << layer.note);
    for (int64_t batch : {1, 3})
      testing::check_simulate_equals_engine(*prepared, conversion.program,
                                            random_tensor({batch, 17, 19, 3}, 77));
    const Tensor x = random_tensor({8, 17, 19, 3}, 78);
    prepared->set_mode(Mode::off);
    // 8 bits give some 40 dB a layer.
    BOOST_TEST(decibels((*prepared)(x), testing::run_program(conversion.program, x)["output"]) >
               25.0);
  }
}

BOOST_AUTO_TEST_CASE(training_lowers_the_loss_and_ends_in_what_ships_to_the_bit) {
  nn::manual_seed(2);
  Net net;
  const auto prepared =
      prepare_qat(net, Tensor::zeros(kExample), get_default_qat_qconfig_mapping("x86"));
  const Tensor x = random_tensor(kShape, 1);
  const float first = train_step(net, *prepared, x, 0.01f);
  float last = first;
  for (int i = 0; i < 200; ++i) last = train_step(net, *prepared, x, 0.01f);
  BOOST_TEST(last < 0.5f * first);

  prepared->disable_observer();
  prepared->freeze_bn_stats();
  train_step(net, *prepared, x, 0.01f);
  for (const bool training : {true, false}) {
    prepared->train(training);
    const Conversion conversion = convert(*prepared);
    const Tensor input = random_tensor(kShape, 50), y = (*prepared)(input);
    const Tensor want = testing::run_program(conversion.program, input).at("output");
    BOOST_TEST(std::memcmp(y.raw(), want.raw(), y.bytes()) == 0);
    if (!training) testing::check_simulate_equals_engine(*prepared, conversion.program, input);
  }
}

BOOST_AUTO_TEST_CASE(branches_that_are_only_put_together_share_the_scale_of_the_result) {
  nn::manual_seed(3);
  Net net;
  // Branches of very different ranges.
  for (float& v : net.point.weight.values<float>()) v *= 20.0f;
  const auto prepared = prepare(net, Tensor::zeros(kExample), get_default_qconfig_mapping("x86"));
  for (uint64_t seed = 0; seed < 4; ++seed) (*prepared)(random_tensor(kShape, seed));
  const Conversion conversion = convert(*prepared);
  std::map<std::string, QParams> qparams;
  for (const engine::Value& value : conversion.program.values)
    if (value.qparams) qparams[value.name] = *value.qparams;
  for (const char* branch : {"point", "wide", "pooled"})
    BOOST_CHECK(qparams.at(branch) == qparams.at("cat"));
  BOOST_CHECK(qparams.at("gelu") == qparams.at("cat#1"));
  // Others read the stem's.
  BOOST_TEST(qparams.at("hardswish").scale < qparams.at("cat").scale);
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 5));
}

// An op that has an instruction, and no integer form.
class FloatTanh : public nn::Op {
 public:
  const char* name() const override { return "tanh"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    Tensor y = inputs[0].clone();
    kernels::activation_f32::tanh(y.data<float>(), y.data<float>(),
                                  static_cast<size_t>(y.elements()));
    return {y};
  }
  nn::QuantRole quant_role() const override { return nn::QuantRole::unsupported; }
  engine::ValueId lower(const nn::Lowering& layer) const override {
    return nn::lower_unary(name(), layer);
  }
};

BOOST_AUTO_TEST_CASE(what_has_no_integer_form_is_float_in_the_middle_and_the_report_says_so) {
  nn::manual_seed(4);
  struct Middle : nn::Module {
    nn::Conv2d before{3, 8, {.kernel_size = 3}}, after{16, 4, {.kernel_size = 1}};
    nn::AdaptiveAvgPool2d average{1};
    Middle() {
      register_module("before", before);
      register_module("after", after);
      register_module("average", average);
    }
    Tensor forward(const Tensor& x) override {
      const Tensor a = nn::relu(before(x));
      return average(after(nn::cat({a, apply_one(std::make_shared<FloatTanh>(), {a})})));
    }
  } net;
  const auto prepared = prepare(net, Tensor::zeros(kExample), get_default_qconfig_mapping("x86"));
  for (uint64_t seed = 0; seed < 4; ++seed) (*prepared)(random_tensor(kShape, seed));
  const Conversion conversion = convert(*prepared);
  int floats = 0;
  for (const LayerReport& layer : conversion.layers) {
    if (layer.quantized) continue;
    ++floats;
    BOOST_TEST(layer.op == "tanh");
    BOOST_TEST(layer.note == "tanh has no integer form");
  }
  BOOST_TEST(floats == 1);
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 5));
}

}  // namespace octet::quant
