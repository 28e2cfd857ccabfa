#define BOOST_TEST_MODULE comparison
#include "zoo/commands/comparison.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "engine/engine_testing.h"

namespace octet::zoo {
namespace {

using engine::Program;
using engine::ValueId;
using engine::testing::make_model;

const Shape kShape{1, 4, 4, 2};
constexpr size_t kElements = 32;

ValueId add_input(Program& program) {
  const ValueId x = program.add_activation("input", DType::f32, kShape);
  program.inputs.push_back(x);
  return x;
}

ValueId add_clamp(Program& program, const std::string& name, ValueId x, float hi) {
  const ValueId y = program.add_activation(name, DType::f32, kShape);
  auto& instruction = program.add_instruction("clamp", name, {x}, {y});
  engine::testing::set_real(instruction, "hi", hi);
  return y;
}

// y[c] = factor[c] * x[c]
ValueId add_scaling(Program& program, const std::string& name, ValueId x, float f0, float f1) {
  const float weight[4] = {f0, 0, 0, f1}, bias[2] = {0, 0};
  const ValueId w = program.add_constant(name + ".weight", DType::f32, {2, 1, 1, 2}, weight);
  const ValueId b = program.add_constant(name + ".bias", DType::f32, {2}, bias);
  const ValueId y = program.add_activation(name, DType::f32, kShape);
  program.add_instruction("conv2d", name, {x, w, b}, {y});
  return y;
}

Program clamps(float first, float second) {
  Program program;
  const ValueId x = add_clamp(program, "one", add_input(program), first);
  program.outputs.push_back(add_clamp(program, "two", x, second));
  return program;
}

InputBytes bytes_of(const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {{bytes.begin(), bytes.end()}};
}

// 1, 2, 3, 1, 2, 3...
InputBytes counting() {
  std::vector<float> values;
  for (size_t i = 0; i < kElements; ++i) values.push_back(static_cast<float>(i % 3 + 1));
  return bytes_of(values);
}

Comparison compare(Program a, Program b, const std::vector<InputBytes>& inputs) {
  SingleThread here;
  Comparer comparer(make_model(std::move(a)), make_model(std::move(b)), here);
  for (const InputBytes& input : inputs) comparer.show(input);
  return comparer.result();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_is_identical_to_itself) {
  for (const bool quantized : {false, true}) {
    const Program program = engine::testing::small_program(1, quantized);
    const Comparison c = compare(program, program, {make_inputs(program, 1, 1)});
    BOOST_TEST(c.is_same_program);
    BOOST_TEST(c.is_identical);
    BOOST_TEST(c.layers.size() == program.instructions.size());
    for (const LayerDifference& layer : c.layers) {
      BOOST_TEST(layer.max_abs_difference == 0);
      BOOST_TEST(std::isinf(layer.sqnr_db));
    }
    BOOST_TEST(worst_layers(c, 3).empty());
    BOOST_TEST(to_text(c).find("identical: the same program") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(metadata_alone_make_other_programs_of_identical_values) {
  Program other = clamps(2, 2);
  other.set_metadata("model", "other");
  const Comparison c = compare(clamps(2, 2), other, {counting()});
  BOOST_TEST(!c.is_same_program);
  BOOST_TEST(c.is_identical);
  BOOST_TEST(to_text(c).find("identical values in all 2 layers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(differences_are_those_of_the_formula_over_all_inputs) {
  // a: 1, 2, 3 as they are; b: 1, 2, 2.
  const Comparison c = compare(clamps(9, 9), clamps(9, 2), {counting(), counting()});
  BOOST_TEST(c.inputs == 2u);
  BOOST_REQUIRE(c.layers.size() == 2u);
  BOOST_TEST(std::isinf(c.layers[0].sqnr_db));
  const LayerDifference& layer = c.layers[1];
  BOOST_TEST(layer.name == "two");
  BOOST_TEST(layer.max_abs_difference == 1);
  // 32 values: eleven ones, eleven twos, ten threes; every difference is 1.
  const double aa = 11 * 1 + 11 * 4 + 10 * 9, bb = 11 * 1 + 21 * 4, ab = 11 + 44 + 60, noise = 10;
  // A few roundings of doubles.
  BOOST_TEST(std::abs(layer.sqnr_db - 10 * std::log10(aa / noise)) < 1e-12);
  BOOST_TEST(std::abs(layer.cosine - ab / std::sqrt(aa * bb)) < 1e-12);
  BOOST_TEST(!layer.is_rescaled);
  // Its input has no error of which it could be a part.
  BOOST_TEST(!layer.loss_db.has_value());
  BOOST_TEST((worst_layers(c, 3) == std::vector<size_t>{1}));
}

BOOST_AUTO_TEST_CASE(a_loss_is_against_the_input_and_the_worst_layer_comes_first) {
  const Comparison c = compare(clamps(9, 9), clamps(2, 1), {counting()});
  BOOST_REQUIRE(c.layers.size() == 2u);
  BOOST_REQUIRE(c.layers[1].loss_db.has_value());
  BOOST_TEST(*c.layers[1].loss_db == c.layers[0].sqnr_db - c.layers[1].sqnr_db);
  BOOST_TEST((worst_layers(c, 1) == std::vector<size_t>{1}));
  BOOST_TEST((worst_layers(c, 9) == std::vector<size_t>{1, 0}));
}

BOOST_AUTO_TEST_CASE(integers_are_compared_as_the_reals_they_stand_for) {
  Program quantized;
  const ValueId x = add_input(quantized);
  const ValueId y = quantized.add_activation("one", DType::u8, kShape, QParams{0.5f, 3});
  quantized.add_instruction("quantize", "one", {x}, {y});
  const ValueId z = quantized.add_activation("two", DType::f32, kShape);
  quantized.add_instruction("dequantize", "two", {y}, {z});
  quantized.outputs.push_back(z);
  const Comparison exact = compare(clamps(9, 9), quantized, {counting()});
  BOOST_TEST(exact.is_identical);
  BOOST_TEST(exact.layers[0].dtype_a == "f32");
  BOOST_TEST(exact.layers[0].dtype_b == "u8");
  const Comparison rounded =
      compare(clamps(9, 9), quantized, {bytes_of(std::vector<float>(kElements, 0.75f))});
  BOOST_TEST(rounded.layers[0].max_abs_difference == 0.25);
}

BOOST_AUTO_TEST_CASE(factors_of_channels_are_taken_out_and_said_so_but_clipping_is_an_error) {
  const auto program = [](float f0, float f1) {
    Program p;
    const ValueId scaled = add_scaling(p, "one", add_input(p), f0, f1);
    p.outputs.push_back(add_scaling(p, "two", scaled, 1 / f0, 1 / f1));
    return p;
  };
  const Comparison c = compare(program(1, 1), program(4, 2), {counting()});
  BOOST_TEST(c.layers[0].is_rescaled);
  // Exact but for the rounding of sums of 32 doubles.
  BOOST_TEST(c.layers[0].sqnr_db > 10 * std::log10(1 / (32 * 0x1p-52)));
  BOOST_TEST(std::isinf(c.layers[1].sqnr_db));
  BOOST_TEST(!c.is_identical);
  BOOST_TEST(to_text(c).find("equalized") != std::string::npos);
  BOOST_TEST(!compare(clamps(9, 9), clamps(1, 1), {counting()}).layers[0].is_rescaled);
}

BOOST_AUTO_TEST_CASE(layers_of_one_model_alone_are_listed) {
  Program longer;
  const ValueId x = add_clamp(longer, "zero", add_input(longer), 9);
  longer.outputs.push_back(add_clamp(longer, "two", add_clamp(longer, "one", x, 9), 9));
  const Comparison c = compare(longer, clamps(9, 9), {counting()});
  BOOST_TEST((c.only_a == std::vector<std::string>{"clamp 'zero'"}));
  BOOST_TEST(c.only_b.empty());
  BOOST_TEST(c.layers.size() == 2u);
  BOOST_TEST(!c.is_identical);
  const Comparison turned = compare(clamps(9, 9), longer, {counting()});
  BOOST_TEST((turned.only_b == std::vector<std::string>{"clamp 'zero'"}));
  BOOST_TEST(to_text(turned).find("only in b           1: clamp 'zero'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(layers_of_one_name_are_matched_in_order_and_unlike_shapes_are_listed) {
  Program a, b;
  for (Program* p : {&a, &b}) {
    const ValueId x = add_clamp(*p, "same", add_input(*p), 9);
    const ValueId y = add_clamp(*p, "same", x, p == &a ? 9 : 2);
    const Shape flat = p == &a ? Shape{1, 32} : Shape{1, 16, 2};
    const ValueId z = p->add_activation("flat", DType::f32, flat);
    p->add_instruction("reshape", "flat", {y}, {z});
    p->outputs.push_back(z);
  }
  const Comparison c = compare(a, b, {counting()});
  BOOST_REQUIRE(c.layers.size() == 2u);
  BOOST_TEST(c.layers[0].max_abs_difference == 0);
  BOOST_TEST(c.layers[1].max_abs_difference == 1);
  BOOST_REQUIRE(c.unlike.size() == 1u);
  BOOST_TEST(c.unlike[0] == "reshape 'flat': [1, 32] and [1, 16, 2]");
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite_are_counted_and_never_exact_or_identical) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(kElements, 1);
  values[0] = nan, values[9] = std::numeric_limits<float>::infinity();
  const auto scaling = [](float f) {
    Program p;
    const ValueId x = add_scaling(p, "one", add_input(p), 1, 1);
    p.outputs.push_back(add_scaling(p, "two", x, f, 1));
    return p;
  };
  // Of the model itself; then of one whose second layer makes NaN of half the values.
  const Comparison itself = compare(scaling(1), scaling(1), {bytes_of(values)});
  BOOST_TEST(itself.is_same_program);
  BOOST_TEST(!itself.is_identical);
  const Comparison other = compare(scaling(1), scaling(nan), {counting(), counting()});
  BOOST_TEST(other.layers[0].non_finite == 0u);
  BOOST_TEST(other.layers[0].is_exact());
  BOOST_TEST(other.layers[1].non_finite == kElements);
  BOOST_TEST(!other.layers[1].is_exact());
  BOOST_TEST(!other.is_identical);
  BOOST_TEST((worst_layers(other, 3) == std::vector<size_t>{1}));
  const std::string text = to_text(other);
  BOOST_TEST(text.find("32 not finite") != text.npos, text);
  BOOST_TEST(text.find("in 1 of 2 layers values are nan or infinite") != text.npos, text);
  const auto layer = to_json(other)["layers"][1];
  BOOST_TEST(layer["non_finite"] == 32);
  BOOST_TEST(layer["sqnr_db"].is_null());
}

BOOST_AUTO_TEST_CASE(models_of_different_inputs_are_refused) {
  SingleThread here;
  BOOST_CHECK_EXCEPTION(Comparer(make_model(clamps(1, 1)),
                                 make_model(engine::testing::small_program(1, false)), here),
                        Error, [](const Error& error) {
                          const std::string text = error.what();
                          return text.find("[1, 4, 4, 2]") != text.npos &&
                                 text.find("[1, 13, 11, 3]") != text.npos;
                        });
}

}  // namespace octet::zoo
