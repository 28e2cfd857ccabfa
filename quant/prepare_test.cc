#define BOOST_TEST_MODULE prepare
#include "quant/prepare.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/stubs.h"
#include "quant/convert.h"
#include "quant/equalize.h"
#include "quant/quant_testing.h"

namespace octet::quant {
namespace {

using testing::random_tensor;

// Every kind of layer that MobileNet v2 and the ResNets have, in small.
struct Net : nn::Module {
  nn::Conv2d stem{3, 8, {.kernel_size = 3, .stride = 2, .padding = 1, .bias = false}};
  nn::BatchNorm2d stem_bn{8};
  nn::ReLU6 relu6;
  nn::Conv2d depthwise{8, 8, {.kernel_size = 3, .padding = 1, .groups = 8}};
  nn::Conv2d project{8, 8, {.kernel_size = 1}};
  nn::MaxPool2d pool{{.kernel_size = 3, .stride = 2, .padding = 1}};
  nn::AdaptiveAvgPool2d average{1};
  nn::Dropout dropout{0.2f};
  nn::Linear fc{8, 5};

  Net() {
    register_module("stem", stem);
    register_module("stem_bn", stem_bn);
    register_module("relu6", relu6);
    register_module("depthwise", depthwise);
    register_module("project", project);
    register_module("pool", pool);
    register_module("average", average);
    register_module("dropout", dropout);
    register_module("fc", fc);
    Rng rng(5);
    for (float& v : stem_bn.running_mean.values<float>()) v = rng.uniform(-0.2f, 0.2f);
    for (float& v : stem_bn.running_var.values<float>()) v = rng.uniform(0.1f, 0.5f);
  }
  Tensor forward(const Tensor& x) override {
    const Tensor a = relu6(stem_bn(stem(x)));
    const Tensor b = nn::add(a, project(depthwise(a)));
    return fc(dropout(nn::flatten(average(pool(b)))));
  }
};

const Shape kShape = {1, 17, 19, 3};

std::unique_ptr<PreparedModel> calibrated(nn::Module& model, const QConfigMapping& mapping) {
  auto prepared = prepare(model, Tensor::zeros(kShape), mapping);
  for (uint64_t seed = 0; seed < 4; ++seed) (*prepared)(random_tensor({2, 17, 19, 3}, seed));
  return prepared;
}

QConfigMapping mapping_for(const std::string& backend) {
  return get_default_qconfig_mapping(backend);
}

}  // namespace

BOOST_AUTO_TEST_CASE(simulate_and_engine_agree_to_the_bit_for_every_backend_and_batch) {
  for (const char* backend : {"x86", "fbgemm", "onednn", "qnnpack"}) {
    Net net;
    auto prepared = calibrated(net, mapping_for(backend));
    const Conversion conversion = convert(*prepared);
    for (const LayerReport& layer : conversion.layers)
      BOOST_TEST(layer.quantized, layer.name << ": " << layer.note);
    for (int64_t batch : {1, 3}) {
      BOOST_TEST_CONTEXT(backend << ", batch " << batch) {
        testing::check_simulate_equals_engine(*prepared, conversion.program,
                                              random_tensor({batch, 17, 19, 3}, 77));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_quantized_output_is_near_the_float_output) {
  Net net;
  auto prepared = calibrated(net, mapping_for("x86"));
  const Conversion conversion = convert(*prepared);
  const Tensor x = random_tensor({8, 17, 19, 3}, 78);
  prepared->set_mode(Mode::off);
  const Tensor real = (*prepared)(x);
  const Tensor quantized = testing::run_program(conversion.program, x)["output"];
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < real.elements(); ++i) {
    signal += std::pow(real.data<float>()[i], 2);
    noise += std::pow(real.data<float>()[i] - quantized.data<float>()[i], 2);
  }
  // 8 bits give some 40 dB a layer; seven layers in a row stay above 25.
  BOOST_TEST(10 * std::log10(signal / noise) > 25.0);
}

BOOST_AUTO_TEST_CASE(a_module_without_qconfig_stays_float_and_says_so) {
  Net net;
  auto mapping = mapping_for("x86");
  mapping.set_module_name("depthwise", std::nullopt);
  auto prepared = calibrated(net, mapping);
  const Conversion conversion = convert(*prepared);
  int floats = 0;
  for (const LayerReport& layer : conversion.layers) {
    if (layer.quantized) continue;
    ++floats;
    BOOST_TEST(layer.name == "depthwise");
    BOOST_TEST(layer.note == "no qconfig");
  }
  BOOST_TEST(floats == 1);
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 79));
}

BOOST_AUTO_TEST_CASE(stubs_bound_the_quantized_region) {
  struct Stubbed : nn::Module {
    nn::Conv2d before{3, 4, {.kernel_size = 1}};
    nn::QuantStub quant;
    nn::Conv2d inside{4, 4, {.kernel_size = 1}};
    nn::DeQuantStub dequant;
    nn::Conv2d after{4, 2, {.kernel_size = 1}};
    Stubbed() {
      register_module("before", before);
      register_module("quant", quant);
      register_module("inside", inside);
      register_module("dequant", dequant);
      register_module("after", after);
    }
    Tensor forward(const Tensor& x) override { return after(dequant(inside(quant(before(x))))); }
  } model;
  auto prepared = calibrated(model, mapping_for("x86"));
  const Conversion conversion = convert(*prepared);
  for (const LayerReport& layer : conversion.layers) {
    if (layer.op != "conv2d") continue;
    BOOST_TEST(layer.quantized == (layer.name == "inside"), layer.name << ": " << layer.note);
  }
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 80));
}

BOOST_AUTO_TEST_CASE(degenerate_layers_convert_and_agree) {
  Net net;
  // A dead channel with a large bias, and a layer whose output is 0 throughout.
  for (int64_t k = 0; k < 8; ++k) net.project.weight.data<float>()[k] = 1e-12f;
  net.project.bias.data<float>()[0] = 300.0f;
  for (float& v : net.depthwise.weight.values<float>()) v = 0.0f;
  for (float& v : net.depthwise.bias.values<float>()) v = 0.0f;
  auto prepared = calibrated(net, mapping_for("x86"));
  const Conversion conversion = convert(*prepared);
  testing::check_simulate_equals_engine(*prepared, conversion.program, random_tensor(kShape, 81));
}

BOOST_AUTO_TEST_CASE(convert_names_the_value_that_was_never_observed) {
  Net net;
  auto prepared = prepare(net, Tensor::zeros(kShape), mapping_for("x86"));
  BOOST_CHECK_EXCEPTION(convert(*prepared), Error, [](const Error& e) {
    return std::string(e.what()).find("was never observed") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(equalize_changes_the_scale_of_channels_and_not_the_model) {
  // A residual stage whose channels differ by factors of up to 2^10.
  struct Stage : nn::Module {
    nn::Conv2d enter{3, 8, {.kernel_size = 1}}, wide{8, 16, {.kernel_size = 3, .padding = 1}};
    nn::Conv2d back{16, 8, {.kernel_size = 1}}, depthwise{8, 8, {.kernel_size = 3, .groups = 8}};
    nn::ReLU relu;
    Stage() {
      register_module("enter", enter);
      register_module("wide", wide);
      register_module("back", back);
      register_module("depthwise", depthwise);
      register_module("relu", relu);
      for (nn::Conv2d* conv : {&enter, &back}) {
        const int64_t row = conv->weight.elements() / 8;
        for (int64_t o = 0; o < 8; ++o)
          for (int64_t k = 0; k < row; ++k)
            conv->weight.data<float>()[o * row + k] *= std::ldexp(1.0f, static_cast<int>(o) - 5);
      }
      // What reads the small channels takes them seriously.
      for (int64_t k = 0; k < wide.weight.elements(); ++k)
        wide.weight.data<float>()[k] *= std::ldexp(1.0f, 5 - static_cast<int>(k % 8));
    }
    Tensor forward(const Tensor& x) override {
      const Tensor a = enter(x);
      return depthwise(nn::add(a, back(relu(wide(a)))));
    }
  } model;
  auto prepared = calibrated(model, mapping_for("x86"));
  const Tensor x = random_tensor({4, 17, 19, 3}, 83);
  prepared->set_mode(Mode::off);
  const Tensor real = (*prepared)(x);
  const auto noise = [&] {
    const Tensor got = testing::run_program(convert(*prepared).program, x)["output"];
    double sum = 0;
    for (int64_t i = 0; i < real.elements(); ++i)
      sum += std::pow(real.data<float>()[i] - got.data<float>()[i], 2);
    return sum;
  };
  const double before = noise();
  BOOST_TEST(equalize(*prepared) == 4);  // enter, wide, back and the sum
  BOOST_CHECK_THROW(convert(*prepared), Error);
  prepared->set_mode(Mode::observe);
  for (uint64_t seed = 0; seed < 4; ++seed) (*prepared)(random_tensor({2, 17, 19, 3}, seed));
  const double after = noise();
  BOOST_TEST(after < before / 2, before << " -> " << after);
  testing::check_simulate_equals_engine(*prepared, convert(*prepared).program, x);
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  Net net;
  auto prepared = calibrated(net, mapping_for("x86"));
  const engine::Program program = convert(*prepared).program;
  const Tensor x = random_tensor({5, 17, 19, 3}, 82);
  const auto one = testing::run_program(program, x);
  for (unsigned threads : {2u, 3u, 8u}) {
    ThreadPool pool(threads);
    const auto many = testing::run_program(program, x, &pool);
    BOOST_REQUIRE(one.size() == many.size());
    for (const auto& [name, value] : one)
      BOOST_TEST(std::memcmp(value.raw(), many.at(name).raw(), value.bytes()) == 0, name);
  }
}

}  // namespace octet::quant
