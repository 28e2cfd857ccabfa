#define BOOST_TEST_MODULE pointwise
#include "nn/pointwise.h"

#include <boost/test/unit_test.hpp>

#include "nn/activation.h"
#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

template <class F>
auto each(const F& f) {
  return [f](const std::vector<Values>& x) {
    Values y;
    for (double v : x[0]) y.push_back(f(v));
    return y;
  };
}

double hard_gate(double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; }

// Every integer of the input: the table is the real function, rounded once.
void check_table(Module& module, double (*real)(double)) {
  const QParams x{0.05f, 100}, y{0.02f, 20, 3, 250};
  const auto node = trace(module, Tensor::zeros({1, 256})).nodes[0];
  engine::Program program;
  Lowering layer;
  layer.program = &program;
  layer.name = "act";
  layer.output_shape = {1, 256};
  layer.inputs = program.inputs = {program.add_activation("x", DType::u8, {1, 256}, x)};
  layer.quantization.emplace();
  layer.quantization->output = y;
  program.outputs = {node.op->lower(layer)};
  BOOST_TEST(program.instructions[0].op == "table");
  BOOST_CHECK(program.values[program.outputs[0]].qparams == y);
  const auto* table = reinterpret_cast<const uint8_t*>(program.values[1].data.data());
  for (int q = 0; q < 256; ++q) {
    const double want =
        std::clamp(real((q - 100) * double{0.05f}) / double{0.02f} + 20, 3.0, 250.0);
    // Half a step, and roundings to f32 of numbers below 256.
    BOOST_TEST(std::abs(table[q] - want) <= 0.5 + 3 * 256 * 0x1p-24, q);
  }
  BOOST_TEST(bool(engine::Model::create(std::move(program))));
}

}  // namespace

// y is 7 roundings off (kernels/activation_f32_ref.h), of which 1 - y makes 7 / (1 - y) < 60.
BOOST_AUTO_TEST_CASE(sigmoid_has_its_gradient) {
  check_gradients("sigmoid", [](Inputs x) { return sigmoid(x[0]); }, {uniform({3, 23}, 2.0f)},
                  each([](double v) { return 1 / (1 + std::exp(-v)); }), {.roundings = 64});
}

// y is 8 roundings off, of which 1 - y^2 makes 16 y^2 / (1 - y^2) < 73.
BOOST_AUTO_TEST_CASE(tanh_has_its_gradient) {
  check_gradients("tanh", [](Inputs x) { return tanh(x[0]); }, {uniform({3, 23}, 1.5f)},
                  each([](double v) { return std::tanh(v); }), {.roundings = 80});
}

// Between -1.2 and -0.5 the derivative is near 0; outside, its two terms are together off by less
// than 80 of its roundings.
BOOST_AUTO_TEST_CASE(gelu_has_its_gradient) {
  const Tensor x = uniform({3, 23}, 3.0f);
  for (float& v : x.values<float>())
    if (v > -1.2f && v < -0.5f) v = -v;
  check_gradients("gelu", [](Inputs x) { return gelu(x[0]); }, {x},
                  each([](double v) { return v * std::erfc(-v * std::sqrt(0.5)) / 2; }),
                  {.roundings = 80});
}

// Around -1.28 the derivative is near 0; outside, its terms are together off by less than 28 of its
// roundings (kernels/activation_f32_ref.h).
BOOST_AUTO_TEST_CASE(silu_has_its_gradient) {
  const Tensor x = uniform({3, 23}, 3.0f);
  for (float& v : x.values<float>())
    if (v > -1.8f && v < -0.8f) v = -v;
  check_gradients("silu", [](Inputs x) { return silu(x[0]); }, {x},
                  each([](double v) { return v / (1 + std::exp(-v)); }), {.roundings = 28});
}

BOOST_AUTO_TEST_CASE(hardsigmoid_has_its_gradient) {
  check_gradients(
      "hardsigmoid", [](Inputs x) { return hardsigmoid(x[0]); }, {uniform({3, 23}, 5.0f)},
      each(hard_gate));
}

// One side of the bend has another derivative than the other.
BOOST_AUTO_TEST_CASE(leaky_relu_has_its_gradient) {
  for (const float slope : {0.01f, 1.5f, -0.3f})
    check_gradients(
        "leaky_relu", [=](Inputs x) { return leaky_relu(x[0], slope); }, {uniform({3, 23}, 3.0f)},
        each([=](double v) { return v > 0 ? v : double{slope} * v; }));
}

// y is 5 roundings off, its derivative as many (kernels/activation_f32_ref.h).
BOOST_AUTO_TEST_CASE(elu_has_its_gradient) {
  for (const float alpha : {1.0f, 0.7f, -2.0f})
    check_gradients("elu", [=](Inputs x) { return elu(x[0], alpha); }, {uniform({3, 23}, 4.0f)},
                    each([=](double v) { return v > 0 ? v : double{alpha} * std::expm1(v); }),
                    {.roundings = 6});
}

BOOST_AUTO_TEST_CASE(a_parameter_that_is_no_number_is_refused) {
  BOOST_TEST(message_of([] { leaky_relu(Tensor::zeros({1}), NAN); }) ==
             "leaky_relu: negative_slope is nan");
  BOOST_TEST(message_of([] { elu(Tensor::zeros({1}), INFINITY); }) == "elu: alpha is inf");
}

// x / 3 + 1 / 2 is near 0 at -1.5; 0.3 from there its terms are 6 times as large.
BOOST_AUTO_TEST_CASE(hardswish_has_its_gradient) {
  const Tensor x = uniform({3, 23}, 5.0f);
  for (float& v : x.values<float>())
    if (v > -1.8f && v < -1.2f) v = -v;
  check_gradients("hardswish", [](Inputs x) { return hardswish(x[0]); }, {x},
                  each([](double v) { return v * hard_gate(v); }), {.roundings = 4 * 6});
}

BOOST_AUTO_TEST_CASE(hardtanh_has_its_gradient) {
  check_gradients(
      "hardtanh", [](Inputs x) { return hardtanh(x[0], -1.0f, 2.0f); }, {uniform({3, 23}, 3.0f)},
      each([](double v) { return std::clamp(v, -1.0, 2.0); }));
  BOOST_TEST(message_of([] { hardtanh(Tensor::zeros({1}), 2.0f, 1.0f); }) ==
             "hardtanh: range is [2, 1]");
}

BOOST_AUTO_TEST_CASE(modules_are_the_functions) {
  const Tensor x = uniform({3, 23}, 3.0f);
  BOOST_TEST(equal_bits(Sigmoid()(x), sigmoid(x)));
  BOOST_TEST(equal_bits(Tanh()(x), tanh(x)));
  BOOST_TEST(equal_bits(GELU()(x), gelu(x)));
  BOOST_TEST(equal_bits(SiLU()(x), silu(x)));
  BOOST_TEST(equal_bits(Hardsigmoid()(x), hardsigmoid(x)));
  BOOST_TEST(equal_bits(Hardswish()(x), hardswish(x)));
  BOOST_TEST(equal_bits(Hardtanh()(x), hardtanh(x)));
  BOOST_TEST(equal_bits(LeakyReLU(0.2f)(x), leaky_relu(x, 0.2f)));
  BOOST_TEST(equal_bits(ELU(0.5f)(x), elu(x, 0.5f)));
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  Tensor (*const curves[])(const Tensor&) = {sigmoid,
                                             tanh,
                                             gelu,
                                             silu,
                                             hardsigmoid,
                                             hardswish,
                                             [](const Tensor& x) { return leaky_relu(x, 0.3f); },
                                             [](const Tensor& x) { return elu(x, 0.6f); }};
  for (const auto curve : curves) {
    testing::Lambda net([=](const Tensor& x) { return curve(x); });
    const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 5})));
    const Tensor x = uniform({2, 3, 4, 5}, 5.0f);
    BOOST_TEST(equal_bits(testing::run_engine(program, x), net(x)));
  }
}

BOOST_AUTO_TEST_CASE(quantized_it_is_a_table_of_the_real_function) {
  Hardswish hard;
  check_table(hard, [](double v) { return v * hard_gate(v); });
  LeakyReLU leaky(0.25f);
  check_table(leaky, [](double v) { return v > 0 ? v : 0.25 * v; });
  ELU exponential(0.5f);
  check_table(exponential, [](double v) { return v > 0 ? v : 0.5 * std::expm1(v); });
}

}  // namespace octet::nn
