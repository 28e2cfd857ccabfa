#define BOOST_TEST_MODULE linear_dynamic
#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>

#include "engine/engine_testing.h"
#include "kernels/dynamic_rows.h"
#include "kernels/dynamic_rows_ref.h"

namespace octet::engine {
namespace {

constexpr int64_t kInputs = 37, kOutputs = 150;

struct Weights {
  std::vector<int8_t> weight = std::vector<int8_t>(kInputs * kOutputs);
  std::vector<float> bias = std::vector<float>(kOutputs), scale = bias;

  Weights() {
    Rng rng(1);
    for (int8_t& w : weight) w = static_cast<int8_t>(rng.integer(-128, 127));
    for (float& b : bias) b = rng.uniform(-1, 1);
    for (float& s : scale) s = rng.uniform(0.001f, 0.01f);
  }
};

// Values: 0 x, 1 weight, 2 bias, 3 weight_scale, 4 y.
Program program_of(const Weights& w) {
  Program program;
  program.inputs = {program.add_activation("x", DType::f32, {1, kInputs})};
  program.add_constant("weight", DType::s8, {kOutputs, kInputs}, w.weight.data());
  program.add_constant("bias", DType::f32, {kOutputs}, w.bias.data());
  program.add_constant("weight_scale", DType::f32, {kOutputs}, w.scale.data());
  program.outputs = {program.add_activation("y", DType::f32, {1, kOutputs})};
  program.add_instruction("linear_dynamic", "layer", {0, 1, 2, 3}, {4});
  return program;
}

std::string why(const std::function<void(Program&)>& edit) {
  Program program = program_of(Weights());
  edit(program);
  return Model::create(std::move(program)).why();
}

// Other data for a constant; alive until the test ends.
template <class T>
void put(Program& program, ValueId id, size_t i, T element) {
  auto copy = std::make_shared<AlignedBuffer>(program.values[id].data.size());
  std::memcpy(copy->data(), program.values[id].data.data(), copy->size());
  copy->template as<T>()[i] = element;
  program.values[id].data = {copy->data(), copy->size()};
  program.storage.push_back(copy);
}

}  // namespace

BOOST_AUTO_TEST_CASE(linear_dynamic_equals_its_specification) {
  const Weights w;
  Program program = program_of(w);
  testing::set_real(program.instructions[0], "lo", -1.5f);
  testing::set_real(program.instructions[0], "hi", 2.0f);
  const auto model = testing::make_model(std::move(program));
  ThreadPool pool(2);
  auto session = testing::required(Session::create(model, {.batch = 3, .pool = &pool}));
  testing::fill_inputs(*session, *model, 3);
  const auto* input = static_cast<const float*>(session->input());
  const std::vector<float> x(input, input + 3 * kInputs);
  kernels::dynamic_rows::Params params;
  params.rows = 3, params.inputs = kInputs, params.outputs = kOutputs;
  params.weight = w.weight.data(), params.weight_scale = w.scale.data();
  params.bias = w.bias.data();
  params.lo = -1.5f, params.hi = 2.0f;
  std::vector<float> expected(3 * kOutputs);
  kernels::ref::dynamic_rows::run(params, x.data(), expected.data());
  session->run();
  BOOST_TEST(std::memcmp(session->output(), expected.data(), expected.size() * 4) == 0);
}

BOOST_AUTO_TEST_CASE(threads_and_the_reference_give_the_same_bits) {
  const auto model = testing::make_model(program_of(Weights()));
  ThreadPool pool(3);
  const auto once = testing::run_model(model, {.batch = 70});
  BOOST_TEST((once == testing::run_model(model, {.batch = 70, .pool = &pool})));
  BOOST_TEST((once == testing::run_model(model, {.batch = 70, .reference = true})));
}

BOOST_AUTO_TEST_CASE(programs_that_break_the_contract_are_refused) {
  BOOST_TEST(why([](Program&) {}) == "");
  BOOST_TEST(why([](Program& p) { p.instructions[0].inputs.pop_back(); }) ==
             "linear_dynamic 'layer': has 3 inputs, not 4");
  BOOST_TEST(why([](Program& p) { p.instructions[0].inputs[0] = 2; }) ==
             "linear_dynamic 'layer': input 0 is a constant");
  BOOST_TEST(why([](Program& p) { testing::set(p.instructions[0], "quant_min", 3); }) ==
             "linear_dynamic 'layer': unknown attribute 'quant_min'");
  BOOST_TEST(why([](Program& p) {
               testing::set_real(p.instructions[0], "lo", NAN);
             }).starts_with("linear_dynamic 'layer': lo nan"));
  BOOST_TEST(why([](Program& p) {
               p.values[0].shape = {1, kInputs, 1};
             }).starts_with("linear_dynamic 'layer': input [1, 37, 1] and output"));
  BOOST_TEST(why([](Program& p) {
               p.values[0].shape = {1, 36};
             }) == "linear_dynamic 'layer': weight has shape [150, 37], not [150, 36]");
  BOOST_TEST(why([](Program& p) {
               p.values[0].dtype = DType::u8;
               p.values[0].qparams = QParams();
             }) == "linear_dynamic 'layer': input is u8, not f32");
  BOOST_TEST(why([](Program& p) {
               p.values[4].dtype = DType::u8;
               p.values[4].qparams = QParams();
             }) == "linear_dynamic 'layer': input is f32, output is u8");
  BOOST_TEST(why([](Program& p) {
               std::swap(p.instructions[0].inputs[1], p.instructions[0].inputs[2]);
             }) == "linear_dynamic 'layer': weight is f32, not s8");
  for (const float scale : {0.0f, -1.0f, NAN, std::numeric_limits<float>::infinity()})
    BOOST_TEST(why([&](Program& p) {
                 put(p, 3, 149, scale);
               }).starts_with("linear_dynamic 'layer': weight_scale[149] is "));
}

BOOST_AUTO_TEST_CASE(sums_beyond_32_bits_are_refused) {
  const int64_t inputs = 66312;  // 127 * 255 * 66312 > 2^31; one less is not
  for (const bool fits : {true, false}) {
    std::vector<int8_t> weight(inputs, 127);
    if (fits) weight[0] = 0;
    const float one = 1.0f;
    Program p;
    p.inputs = {p.add_activation("x", DType::f32, {1, inputs})};
    p.add_constant("weight", DType::s8, {1, inputs}, weight.data());
    p.add_constant("bias", DType::f32, {1}, &one);
    p.add_constant("weight_scale", DType::f32, {1}, &one);
    p.outputs = {p.add_activation("y", DType::f32, {1, 1})};
    p.add_instruction("linear_dynamic", "layer", {0, 1, 2, 3}, {4});
    const std::string reason = Model::create(std::move(p)).why();
    BOOST_TEST(reason == (fits ? ""
                               : "linear_dynamic 'layer': sums of output channel 0 can reach "
                                 "2147514120, more than 32 bits hold"));
  }
}

}  // namespace octet::engine
