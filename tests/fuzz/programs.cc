#include "tests/fuzz/programs.h"

#include <string>
#include <utility>

#include "engine/compose.h"
#include "engine/engine_testing.h"

namespace octet::fuzz {
namespace {

using engine::Instruction;
using engine::Program;
using engine::ValueId;
using Ids = std::vector<ValueId>;

class Builder : public engine::testing::ProgramBuilder {
 public:
  using ProgramBuilder::ProgramBuilder;

  // Above 0: weights and scales alike.
  ValueId reals(const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.elements()));
    for (float& v : values) v = rng().uniform(0.001f, 0.1f);
    return program.add_constant("c", DType::f32, shape, values.data());
  }
  ValueId integers(DType dtype, const Shape& shape) {
    std::vector<int8_t> values(static_cast<size_t>(shape.elements()));
    for (int8_t& v : values) v = static_cast<int8_t>(rng().integer(-100, 100));
    return program.add_constant("c", dtype, shape, values.data());
  }

  ValueId layer(const char* op, const Ids& inputs, const Shape& shape) {
    const ValueId y = activation(op, program.values[inputs[0]].dtype, shape);
    program.add_instruction(op, op, inputs, {y});
    return y;
  }
  ValueId layer(const char* op, ValueId x) { return layer(op, Ids{x}, shape_of(x)); }
  // With the qparams of x.
  ValueId keeping_layer(const char* op, ValueId x, const Shape& shape) {
    const ValueId y = layer(op, Ids{x}, shape);
    program.values[y].qparams = program.values[x].qparams;
    return y;
  }
  Instruction& last() { return program.instructions.back(); }

  // Weights for one product of `in` features: weight, bias and, where weights are s8, their scales.
  void add_product(int64_t in, int64_t out, bool quantized, Ids& inputs) {
    inputs.push_back(quantized ? integers(DType::s8, {out, in}) : reals({out, in}));
    inputs.push_back(reals({out}));
    if (quantized) inputs.push_back(reals({out}));
  }
  // x [1, t, in] -> [1, t, 2 * hidden].
  ValueId both_ways_lstm(const char* op, ValueId x, int64_t hidden, bool quantized) {
    const Shape shape = shape_of(x);
    Ids inputs{x};
    for (int direction = 0; direction < 2; ++direction)
      for (const int64_t in : {shape[2], hidden}) add_product(in, 4 * hidden, quantized, inputs);
    return layer(op, inputs, {1, shape[1], 2 * hidden});
  }
};

// What a transformer and an LSTM for text are made of.
Program text_program(bool quantized) {
  Builder b(3);
  const ValueId tokens = b.input({1, 5}, DType::s64);
  Ids table{tokens, quantized ? b.integers(DType::s8, {9, 6}) : b.reals({9, 6})};
  if (quantized) table.push_back(b.reals({9}));
  ValueId x = b.activation("embedding", DType::f32, {1, 5, 6});
  b.program.add_instruction("embedding", "embedding", table, {x});
  x = b.layer("add_constant", {x, b.reals({1, 5, 6})}, {1, 5, 6});
  x = b.layer("softmax", {x}, {1, 5, 6});
  x = b.layer("layer_norm", {x, b.reals({6}), b.reals({6})}, {1, 5, 6});
  engine::testing::set_real(b.last(), "eps", 1e-5f);
  const ValueId mask = b.input({1, 5}, DType::s64);
  x = b.layer("attention", {x, x, x, mask}, {1, 5, 6});
  engine::testing::set(b.last(), "heads", 2);
  Ids inputs{x};
  b.add_product(6, 8, quantized, inputs);
  x = b.layer(quantized ? "linear_dynamic" : "linear", inputs, {1, 5, 8});
  x = b.layer("elu", b.layer("silu", b.layer("gelu", x)));
  engine::testing::set_real(b.last(), "alpha", 1.5f);
  x = b.layer("mul", {b.layer("tanh", x), b.layer("sigmoid", x)}, {1, 5, 8});
  x = b.both_ways_lstm(quantized ? "lstm_dynamic" : "lstm", x, 3, quantized);
  x = b.layer("concat", {x, b.layer("hardswish", x), b.layer("hardsigmoid", x)}, {1, 5, 18});
  x = b.layer("slice", Ids{x}, {1, 5, 7});
  engine::testing::set(b.last(), "begin", 4);
  b.output(x);
  b.program.set_metadata("classes", "a\nb");
  return std::move(b.program);
}

// On integers.
Program sequence_program() {
  Builder b(4);
  ValueId x = b.quantize(b.input({1, 4, 6}, DType::f32));
  x = b.both_ways_lstm("lstm", x, 4, true);
  x = b.layer("table", {x, b.integers(DType::u8, {256})}, {1, 4, 8});
  b.output(b.dequantize(x));
  return engine::with_state(std::move(b.program));
}

// Two branches, a gate for each channel, and a shuffle.
Program branches_program(bool quantized) {
  Builder b(5);
  ValueId x = b.input({1, 6, 6, 4}, DType::f32);
  if (quantized) x = b.quantize(x);
  const ValueId left = b.keeping_layer("slice", x, {1, 6, 6, 2});
  const ValueId right = b.keeping_layer("slice", x, {1, 6, 6, 2});
  engine::testing::set(b.last(), "begin", 2);
  x = b.layer("concat", {b.conv2d(left, 6, {.kernel = 3, .pad = 1}), right}, {1, 6, 6, 8});
  x = b.keeping_layer("channel_shuffle", x, {1, 6, 6, 8});
  engine::testing::set(b.last(), "groups", 2);
  x = b.layer("mul", {x, b.conv2d(b.adaptive_avg_pool2d(x, 1), 8, {.kernel = 1})}, {1, 6, 6, 8});
  if (quantized) x = b.dequantize(x);
  b.output(b.linear(b.flatten(b.adaptive_avg_pool2d(x, 1)), 3));
  for (const auto& [key, text] : {std::pair("preprocess.resize", "8"),
                                  {"preprocess.crop", "6"},
                                  {"preprocess.mean", "0.5,0.25,0.125"}})
    b.program.set_metadata(key, text);
  return std::move(b.program);
}

}  // namespace

std::vector<Program> small_programs() {
  return {engine::testing::small_program(1, false),
          engine::testing::small_program(1, true),
          text_program(false),
          text_program(true),
          sequence_program(),
          branches_program(false),
          branches_program(true)};
}

}  // namespace octet::fuzz
