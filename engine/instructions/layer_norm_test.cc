// layer_norm and add_constant: their kernels on a batch, and what they refuse.
#define BOOST_TEST_MODULE layer_norm
#include <boost/test/unit_test.hpp>
#include <functional>

#include "engine/engine_testing.h"
#include "kernels/layer_norm_f32_ref.h"

namespace octet::engine {
namespace {

constexpr float kWeight[] = {1.0f, -2.0f, 0.5f}, kBias[] = {0.25f, 0.0f, 3.0f};

// y = layer_norm(x) + constant
Program norm_program() {
  Program p;
  p.inputs = {p.add_activation("x", DType::f32, {1, 2, 3})};
  p.add_constant("weight", DType::f32, {3}, kWeight);
  p.add_constant("bias", DType::f32, {3}, kBias);
  p.add_activation("norm", DType::f32, {1, 2, 3});
  const float constant[] = {1, 2, 3, 4, 5, 6};
  p.add_constant("constant", DType::f32, {1, 2, 3}, constant);
  p.outputs = {p.add_activation("y", DType::f32, {1, 2, 3})};
  p.add_instruction("layer_norm", "norm", {0, 1, 2}, {3}).attributes = {{"eps", 1e-5f}};
  p.add_instruction("add_constant", "positions", {3, 4}, {5});
  return p;
}

std::string why_norm(const std::function<void(Program&)>& edit) {
  Program program = norm_program();
  edit(program);
  return Model::create(std::move(program)).why();
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_are_normalized_and_every_sequence_gets_the_constant) {
  const auto model = testing::make_model(norm_program());
  for (const bool reference : {false, true}) {
    auto session = testing::required(Session::create(model, {.batch = 2, .reference = reference}));
    const std::vector<float> x{1, 2, 3, -1, 5, 2, 0, 0, 9, 4, 4, 4};
    std::copy(x.begin(), x.end(), static_cast<float*>(session->input()));
    session->run();
    struct {
      size_t n;
      const float *weight, *bias;
      float eps;
    } params{3, kWeight, kBias, 1e-5f};
    std::vector<float> want(12);
    kernels::ref::layer_norm_f32::run(params, 4, x.data(), want.data());
    for (size_t i = 0; i < 12; ++i)
      BOOST_TEST(static_cast<const float*>(session->output())[i] ==
                 want[i] + static_cast<float>(i % 6 + 1));
  }
}

BOOST_AUTO_TEST_CASE(layers_that_break_the_contract_are_refused) {
  BOOST_TEST(why_norm([](Program&) {}) == "");
  BOOST_TEST(why_norm([](Program& p) { p.instructions[0].attributes.clear(); }) ==
             "layer_norm 'norm': attribute 'eps' is missing");
  BOOST_TEST(why_norm([](Program& p) {
               p.instructions[0].attributes = {{"eps", -1.0f}};
             }) == "layer_norm 'norm': eps is -1, not 0 or more");
  BOOST_TEST(why_norm([](Program& p) {
               p.instructions[0].attributes = {{"eps", int64_t{1}}};
             }) == "layer_norm 'norm': attribute 'eps' is not a real number");
  BOOST_TEST(why_norm([](Program& p) { p.values[2].dtype = DType::s32; }) ==
             "layer_norm 'norm': bias is s32, not f32");
  BOOST_TEST(why_norm([](Program& p) {
               p.values[0].shape = {1, 3, 2};
             }).starts_with("layer_norm 'norm': input [1, 3, 2] and output [1, 2, 3]"));
  BOOST_TEST(why_norm([](Program& p) {
               p.values[4].shape = {1, 6, 1};
             }) == "add_constant 'positions': constant has shape [1, 6, 1], not [1, 2, 3]");
}

}  // namespace octet::engine
