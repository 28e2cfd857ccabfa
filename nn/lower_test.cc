#define BOOST_TEST_MODULE lower
#include <boost/test/unit_test.hpp>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/avg_pool2d.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/graph.h"
#include "nn/identity.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"
#include "nn/stubs.h"

namespace octet::nn {
namespace {

using testing::equal_bits;
using testing::Lambda;
using testing::message_of;
using testing::run_engine;

Tensor random_image(int64_t batch) { return uniform({batch, 8, 7, 6}, 2.0f); }

engine::Program lowered(Module& module) { return lower(trace(module, random_image(1))); }

// The instructions' operations, separated by spaces.
std::string operations(const engine::Program& program) {
  std::string result;
  for (const engine::Instruction& instruction : program.instructions)
    result += (result.empty() ? "" : " ") + instruction.op;
  return result;
}

// The lowered program has these operations and computes what the model does in eval mode.
void check_same_bits(Module& module, const std::string& expected) {
  module.eval();
  const Tensor x = random_image(3);
  BOOST_TEST(operations(lowered(module)) == expected);
  BOOST_TEST(equal_bits(run_engine(lowered(module), x), module(x)));
}

Lowering quantized_layer(engine::Program& program, const Tensor& weight, const Tensor& bias) {
  Lowering layer;
  layer.program = &program;
  layer.name = "fc";
  layer.inputs = {program.add_activation("x", DType::u8, {1, weight.dim(1)}, QParams{0.5f, 10})};
  layer.output_shape = {1, weight.dim(0)};
  layer.weight = weight;
  layer.bias = bias;
  layer.quantization = LayerQuantization{.output = {0.1f, 20}, .weight_scale = {0.25f, 0.5f}};
  return layer;
}

template <class T>
std::vector<T> constant(const engine::Program& program, engine::ValueId id) {
  const engine::Value& value = program.values[id];
  BOOST_REQUIRE(value.is_constant && value.dtype == dtype_of<T>);
  std::vector<T> elements(value.data.size() / sizeof(T));
  std::memcpy(elements.data(), value.data.data(), value.data.size());
  return elements;
}

}  // namespace

// Without batch norm the program runs the same kernels on the same numbers.
BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  manual_seed(11);
  Conv2d first(6, 8, {.kernel_size = 3, .stride = 2, .padding = 1});
  Conv2d depthwise(8, 8, {.kernel_size = 3, .padding = 1, .groups = 8, .bias = false});
  Conv2d grouped(8, 8, {.padding = {1, 0}, .dilation = 2, .groups = 2});
  Linear fc(8, 5);
  Dropout dropout;
  Lambda net([&](const Tensor& x) {
    const Tensor a = relu6(first(x));
    const Tensor b = relu(add(depthwise(a), a));
    return fc(dropout(flatten(adaptive_avg_pool2d(grouped(b), 1))));
  });
  net.add("first", first);
  net.add("depthwise", depthwise);
  net.add("grouped", grouped);
  net.add("fc", fc);
  net.add("dropout", dropout);
  check_same_bits(net, "conv2d conv2d add conv2d adaptive_avg_pool2d reshape linear");
}

BOOST_AUTO_TEST_CASE(pools_keep_their_windows) {
  const auto pool = [](auto function, const std::string& operation) {
    Lambda net(function);
    check_same_bits(net, operation);
  };
  pool([](const Tensor& x) { return max_pool2d(x, {.kernel_size = 2}); }, "max_pool2d");
  pool(
      [](const Tensor& x) {
        return max_pool2d(x, {.kernel_size = {3, 2}, .padding = 1});
      },
      "max_pool2d");
  pool([](const Tensor& x) { return max_pool2d(x, {.kernel_size = 2, .dilation = 3}); },
       "max_pool2d");
  pool([](const Tensor& x) { return max_pool2d(x, {.kernel_size = 2, .ceil_mode = true}); },
       "max_pool2d");
  pool([](const Tensor& x) { return max_pool2d(x, {.stride = 5, .ceil_mode = true}); },
       "max_pool2d");
  for (bool include : {true, false}) {
    pool(
        [include](const Tensor& x) {
          return avg_pool2d(
              x, {.kernel_size = 3, .stride = 2, .padding = 1, .count_include_pad = include});
        },
        "avg_pool2d");
  }
  pool([](const Tensor& x) { return adaptive_avg_pool2d(x, {3, 2}); }, "adaptive_avg_pool2d");
}

BOOST_AUTO_TEST_CASE(flatten_keeps_pytorchs_order) {
  Lambda net([](const Tensor& x) { return flatten(x); });
  check_same_bits(net, "flatten");
  Lambda one_pixel([](const Tensor& x) { return flatten(adaptive_avg_pool2d(x, 1)); });
  check_same_bits(one_pixel, "adaptive_avg_pool2d reshape");
}

BOOST_AUTO_TEST_CASE(what_is_not_fused_is_an_instruction_of_its_own) {
  Lambda net([](const Tensor& x) { return add(relu6(relu(x)), x); });
  check_same_bits(net, "clamp clamp add");
  BatchNorm2d bn(6);
  for (float& v : bn.running_var.values<float>()) v = default_generator().uniform(0.5f, 2);
  Lambda normalised([&](const Tensor& x) { return relu(bn(max_pool2d(x, {.kernel_size = 2}))); });
  normalised.add("bn", bn);
  check_same_bits(normalised, "max_pool2d conv2d");
}

BOOST_AUTO_TEST_CASE(stubs_and_identities_vanish) {
  QuantStub quant;
  DeQuantStub dequant;
  Identity identity;
  Lambda net([&](const Tensor& x) { return identity(dequant(relu(quant(x)))); });
  check_same_bits(net, "clamp");
}

BOOST_AUTO_TEST_CASE(folded_batch_norm_stays_within_rounding) {
  manual_seed(12);
  Conv2d conv(6, 4, {.kernel_size = 3});
  BatchNorm2d bn(4);
  for (float& v : bn.running_mean.values<float>()) v = default_generator().uniform(-1, 1);
  for (float& v : bn.running_var.values<float>()) v = default_generator().uniform(0.5f, 2);
  Lambda net([&](const Tensor& x) { return relu(bn(conv(x))); });
  net.add("conv", conv);
  net.add("bn", bn);
  net.eval();
  BOOST_TEST(operations(lowered(net)) == "conv2d");
  const Tensor x = random_image(2);
  const Tensor y = run_engine(lowered(net), x), expected = net(x);
  BOOST_CHECK(y.shape() == expected.shape());
  // |x| <= 2, |w| <= 1 / sqrt(54), |b| <= 1 / sqrt(54), 54 taps; scale <= 1 / sqrt(0.5),
  // |mean| <= 1. Both paths round each term of the sum at most 54 + 8 times.
  const double magnitude = (54 * 2 / std::sqrt(54) + 1 / std::sqrt(54) + 1) * std::sqrt(2);
  for (int64_t i = 0; i < y.elements(); ++i) {
    BOOST_REQUIRE(std::abs(y.data<float>()[i] - expected.data<float>()[i]) <=
                  2 * 62 * 0x1p-24 * magnitude);
  }
}

BOOST_AUTO_TEST_CASE(values_and_instructions_have_module_paths) {
  Conv2d conv(6, 4, {});
  Lambda net([&](const Tensor& x) { return relu(conv(x)); });
  net.add("conv", conv);
  const engine::Program program = lowered(net);
  BOOST_REQUIRE(program.instructions.size() == 1u);
  const engine::Instruction& instruction = program.instructions[0];
  BOOST_TEST(instruction.name == "conv");
  BOOST_TEST(program.values[program.inputs[0]].name == "input");
  BOOST_TEST(program.values[instruction.inputs[1]].name == "conv.weight");
  BOOST_TEST(program.values[instruction.outputs[0]].name == "conv");
  BOOST_TEST(instruction.real("lo", -1) == 0.0f);
}

BOOST_AUTO_TEST_CASE(quantizes_weights_and_biases_by_the_formula) {
  engine::Program program;
  // Rows at scales 0.25 and 0.5; 0.125 / 0.25 and 0.75 / 0.5 are ties.
  const Tensor weight = Tensor::from({2, 3}, {0.125f, -1.0f, 100.0f, 0.75f, -0.25f, -100.0f});
  // s_x * scale = 0.125 and 0.25: 0.3125 is 2.5 steps, -1e10 beyond 2^30.
  const Tensor bias = Tensor::from({2}, {0.3125f, -1e10f});
  Lowering layer = quantized_layer(program, weight, bias);
  layer.range = {.lo = 0.0f, .hi = 6.0f};
  const engine::ValueId y = LinearOp().lower(layer);
  BOOST_CHECK(program.values[y].qparams == (QParams{0.1f, 20}));
  BOOST_CHECK(program.values[y].dtype == DType::u8);
  const engine::Instruction& instruction = program.instructions.at(0);
  BOOST_CHECK(constant<int8_t>(program, instruction.inputs[1]) ==
              (std::vector<int8_t>{0, -4, 127, 2, 0, -127}));
  BOOST_CHECK(constant<int32_t>(program, instruction.inputs[2]) ==
              (std::vector<int32_t>{2, -(1 << 30)}));
  BOOST_CHECK(constant<float>(program, instruction.inputs[3]) == (std::vector<float>{0.25f, 0.5f}));
  BOOST_TEST(instruction.integer("quant_min", -1) == 20);
  BOOST_TEST(instruction.integer("quant_max", -1) == 80);
}

BOOST_AUTO_TEST_CASE(a_quantized_layer_without_activation_has_the_whole_range) {
  engine::Program program;
  Lowering layer = quantized_layer(program, Tensor::zeros({2, 3}), Tensor());
  layer.quantization->output = {0.1f, 64, 0, 127};
  LinearOp().lower(layer);
  const engine::Instruction& instruction = program.instructions.at(0);
  BOOST_CHECK(constant<int32_t>(program, instruction.inputs[2]) == (std::vector<int32_t>{0, 0}));
  BOOST_TEST(instruction.integer("quant_min", -1) == 0);
  BOOST_TEST(instruction.integer("quant_max", -1) == 127);
}

BOOST_AUTO_TEST_CASE(pass_through_layers_keep_the_qparams_of_their_input) {
  engine::Program program;
  const QParams qparams{0.1f, 7};
  Lowering layer;
  layer.program = &program;
  layer.inputs = {program.add_activation("x", DType::u8, {1, 4, 4, 2}, qparams)};
  layer.output_shape = {1, 2, 2, 2};
  BOOST_CHECK(program.values[MaxPool2dOp({.kernel_size = 2}).lower(layer)].qparams == qparams);
  BOOST_CHECK(program.values[AvgPool2dOp({.kernel_size = 2}).lower(layer)].qparams == qparams);
  layer.output_shape = {1, 4, 4, 2};
  const engine::ValueId y = ClampOp("relu6", {.lo = 0, .hi = 6}).lower(layer);
  BOOST_CHECK(program.values[y].qparams == qparams);
  BOOST_TEST(program.instructions.back().integer("quant_min", -1) == 7);
  BOOST_TEST(program.instructions.back().integer("quant_max", -1) == 67);
}

BOOST_AUTO_TEST_CASE(lowering_refuses_what_does_not_fit) {
  engine::Program program;
  Lowering layer = quantized_layer(program, Tensor::zeros({2, 3}), Tensor());
  layer.quantization->weight_scale.pop_back();
  BOOST_TEST(message_of([&] { LinearOp().lower(layer); }) ==
             "fc: 1 weight scales for 2 output channels");
  layer.quantization.reset();
  BOOST_TEST(message_of([&] { LinearOp().lower(layer); }) ==
             "linear: fc: input is u8, expects f32");
  layer.name = "sum";
  BOOST_TEST(message_of([&] { AddOp().lower(layer); }) == "add: sum: 1 activations, expects 2");
  BOOST_TEST(message_of([&] { DropoutOp(0.5f, true).lower(layer); }) ==
             "dropout: sum: can't be lowered in training mode");
}

BOOST_AUTO_TEST_CASE(weights_that_the_model_computes_are_refused) {
  Lambda net([](const Tensor& x) {
    return apply_one(std::make_shared<LinearOp>(), {flatten(x), flatten(x)});
  });
  BOOST_TEST(message_of([&] { lowered(net); }) ==
             "linear: linear: weights that the model computes can't be lowered");
}

}  // namespace octet::nn
