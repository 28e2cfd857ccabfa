#define BOOST_TEST_MODULE compose
#include "engine/compose.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <string>

#include "engine/engine_testing.h"

namespace octet::engine {
namespace {

using testing::ProgramBuilder;
using testing::small_program;

constexpr size_t kBatch = 3;

// The bytes of every activation, by name and type; the output's also as "output".
std::map<std::string, std::string> values_of(const Program& program) {
  auto model = Model::create(program);
  BOOST_REQUIRE_MESSAGE(model, model.why());
  auto session = Session::create(*model, {.batch = kBatch, .keep_values = true});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  Session& s = **session;
  Rng rng(5);
  auto* x = static_cast<float*>(s.input());
  for (int64_t i = 0; i < s.shape(program.inputs[0]).elements(); ++i) x[i] = rng.uniform(-1, 1);
  s.run();
  std::map<std::string, std::string> values;
  const auto bytes = [&](ValueId id) {
    const auto n = static_cast<size_t>(s.shape(id).elements()) * size_of(program.values[id].dtype);
    return std::string(static_cast<const char*>(s.value(id)), n);
  };
  for (ValueId id = 0; id < program.values.size(); ++id)
    if (!program.values[id].is_constant)
      values[program.values[id].name + " " + name_of(program.values[id].dtype)] = bytes(id);
  values["output"] = bytes(program.outputs[0]);
  return values;
}

Program cut_at(const Program& program, const std::string& name) {
  auto part = cut(program, name);
  BOOST_REQUIRE_MESSAGE(part, part.why());
  return std::move(*part);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_value_of_a_cut_program_is_that_of_the_whole) {
  for (bool quantized : {false, true}) {
    const Program whole = small_program(1, quantized);
    auto wanted = values_of(whole);
    for (const Instruction& instruction : whole.instructions) {
      const Value& value = whole.values[instruction.outputs[0]];
      const Program part = cut_at(whole, value.name);
      BOOST_TEST(part.outputs.size() == 1u);
      const Value& output = part.values[part.outputs[0]];
      BOOST_TEST((output.dtype == DType::f32 && output.name == value.name));
      const auto values = values_of(part);
      for (const auto& [name, bytes] : values) {
        if (name == "output" || (name == value.name + " f32" && value.dtype == DType::u8)) continue;
        BOOST_TEST((bytes == wanted[name]), value.name << ": " << name);
      }
      if (value.dtype == DType::f32)
        BOOST_TEST((values.at("output") == wanted[value.name + " f32"]));
    }
  }
}

BOOST_AUTO_TEST_CASE(integers_come_out_dequantized) {
  const Program whole = small_program(1, true);
  const Value& value = whole.values[whole.instructions[4].outputs[0]];
  BOOST_TEST_REQUIRE((value.dtype == DType::u8));
  const auto values = values_of(cut_at(whole, value.name));
  const std::string& q = values.at(value.name + " u8");
  for (size_t i = 0; i < q.size(); ++i) {
    float y;
    std::memcpy(&y, values.at("output").data() + 4 * i, 4);
    const int integer = static_cast<uint8_t>(q[i]);
    BOOST_REQUIRE(y ==
                  static_cast<float>(integer - value.qparams->zero_point) * value.qparams->scale);
  }
}

BOOST_AUTO_TEST_CASE(a_cut_program_holds_what_it_needs_and_nothing_else) {
  ProgramBuilder b(2);
  const ValueId x = b.input({1, 4, 4, 3}, DType::f32);
  const ValueId left = b.conv2d(x, 5, {.kernel = 1}), right = b.conv2d(x, 6, {.kernel = 3});
  b.output(b.flatten(left));
  b.output(b.flatten(right));
  const Program part = cut_at(b.program, b.program.values[right].name);
  BOOST_TEST(part.instructions.size() == 1u);
  BOOST_TEST(part.values.size() == 4u);  // x, weight, bias, y
  BOOST_TEST((part.values[part.outputs[0]].shape == Shape{1, 2, 2, 6}));
}

BOOST_AUTO_TEST_CASE(of_a_value_in_two_forms_the_floats_are_taken) {
  ProgramBuilder b(3);
  const ValueId y = b.clamp(b.input({1, 4}, DType::f32), -1, 1);
  const ValueId q = b.quantize(y);
  b.program.values[q].name = b.program.values[y].name;
  b.output(b.dequantize(q));
  const Program part = cut_at(b.program, b.program.values[y].name);
  BOOST_TEST(part.instructions.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_not_there_is_refused_with_names_that_are) {
  ProgramBuilder b(4);
  b.output(b.linear(b.flatten(b.input({1, 2, 2, 1}, DType::f32)), 3));
  BOOST_TEST(cut(b.program, "features.18").why() ==
             "cut: no instruction makes a value 'features.18'; the last ones make layers.0, "
             "layers.1");
  BOOST_TEST(!cut(b.program, "input"));
  BOOST_TEST(!cut(b.program, "layers.1.weight"));
}

BOOST_AUTO_TEST_CASE(spliced_one_after_another_programs_compute_what_they_did_apart) {
  for (bool quantized : {false, true}) {
    const Program whole = small_program(6, quantized);
    const Program first = cut_at(whole, whole.values[whole.instructions[5].outputs[0]].name);
    ProgramBuilder b(7);
    b.output(b.linear(b.flatten(b.input(first.values[first.outputs[0]].shape, DType::f32)), 4));
    Program both;
    both.inputs = {both.add_activation("input", DType::f32, {1, 13, 11, 3})};
    const auto middle = splice(first, "a", both.inputs, both);
    both.outputs = splice(b.program, "b", middle, both);
    const auto values = values_of(both);
    const auto apart = values_of(first);
    for (const auto& [name, bytes] : apart)
      if (name != "output" && name != "input f32")
        BOOST_TEST((values.at("a." + name) == bytes), name);

    auto model = Model::create(b.program);
    BOOST_REQUIRE_MESSAGE(model, model.why());
    auto session = Session::create(*model, {.batch = kBatch});
    BOOST_REQUIRE_MESSAGE(session, session.why());
    const std::string& x = apart.at("output");
    std::memcpy((*session)->input(), x.data(), x.size());
    (*session)->run();
    BOOST_TEST(values.at("output").size() == kBatch * 4 * sizeof(float));
    BOOST_TEST(std::memcmp(values.at("output").data(), (*session)->output(), kBatch * 16) == 0);
  }
}

BOOST_AUTO_TEST_CASE(parts_outlive_the_whole) {
  Program part;
  {
    const Program whole = small_program(8, true);
    part = cut_at(whole, whole.values[whole.instructions[3].outputs[0]].name);
  }
  BOOST_TEST(!values_of(part).empty());
}

}  // namespace octet::engine
