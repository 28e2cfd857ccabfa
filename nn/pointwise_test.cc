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
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  Tensor (*const curves[])(const Tensor&) = {sigmoid, tanh, gelu, silu, hardsigmoid, hardswish};
  for (const auto curve : curves) {
    testing::Lambda net([=](const Tensor& x) { return curve(x); });
    const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 5})));
    const Tensor x = uniform({2, 3, 4, 5}, 5.0f);
    BOOST_TEST(equal_bits(testing::run_engine(program, x), net(x)));
  }
}

// Every integer of the input: the table is the real function, rounded once.
BOOST_AUTO_TEST_CASE(quantized_it_is_a_table_of_the_real_function) {
  const QParams x{0.05f, 100}, y{0.02f, 20, 3, 250};
  const auto node = trace(*std::make_unique<Hardswish>(), Tensor::zeros({1, 256})).nodes[0];
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
    const double real = (q - 100) * double{0.05f};
    const double want = std::clamp(real * hard_gate(real) / double{0.02f} + 20, 3.0, 250.0);
    // Half a step, and roundings to f32 of numbers below 256.
    BOOST_TEST(std::abs(table[q] - want) <= 0.5 + 3 * 256 * 0x1p-24, q);
  }
  BOOST_TEST(bool(engine::Model::create(std::move(program))));
}

}  // namespace octet::nn
