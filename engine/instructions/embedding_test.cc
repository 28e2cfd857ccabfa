// embedding: rows of its table.
#define BOOST_TEST_MODULE embedding
#include <boost/test/unit_test.hpp>
#include <functional>

#include "engine/engine_testing.h"

namespace octet::engine {
namespace {

Program embedding_program() {
  Program p;
  const std::vector<float> table{0, 1, 2, 3, 4, 5, 6, 7};
  p.inputs = {p.add_activation("i", DType::s64, {1, 3})};
  p.add_constant("weight", DType::f32, {4, 2}, table.data());
  p.outputs = {p.add_activation("y", DType::f32, {1, 3, 2})};
  p.add_instruction("embedding", "layer", {0, 1}, {2});
  return p;
}

std::string why_embedding(const std::function<void(Program&)>& edit) {
  Program program = embedding_program();
  edit(program);
  return Model::create(std::move(program)).why();
}

}  // namespace

BOOST_AUTO_TEST_CASE(embedding_gives_rows_of_its_table_and_nan_where_there_is_none) {
  const auto model = testing::make_model(embedding_program());
  auto session = testing::required(Session::create(model, {.batch = 2}));
  const int64_t indices[] = {3, 0, 2, 1, 4, -1};
  std::memcpy(session->input(), indices, sizeof(indices));
  session->run();
  const auto* y = static_cast<const float*>(session->output());
  const float expected[] = {6, 7, 0, 1, 4, 5, 2, 3};
  for (size_t i = 0; i < 8; ++i) BOOST_TEST(y[i] == expected[i]);
  for (size_t i = 8; i < 12; ++i) BOOST_TEST(std::isnan(y[i]));
}

BOOST_AUTO_TEST_CASE(rows_in_s8_have_scales_of_their_own) {
  Program p;
  const std::vector<int8_t> table{-127, 5, 127, 0, -128, 1};
  const std::vector<float> scale{0.5f, 0.125f, 3.0f};
  p.inputs = {p.add_activation("i", DType::s64, {1, 4})};
  p.add_constant("weight", DType::s8, {3, 2}, table.data());
  p.add_constant("scale", DType::f32, {3}, scale.data());
  p.outputs = {p.add_activation("y", DType::f32, {1, 4, 2})};
  p.add_instruction("embedding", "layer", {0, 1, 2}, {3});
  const auto model = testing::make_model(p);
  auto session = testing::required(Session::create(model, {}));
  const int64_t indices[] = {2, 0, 1, 3};
  std::memcpy(session->input(), indices, sizeof(indices));
  session->run();
  const auto* y = static_cast<const float*>(session->output());
  const float expected[] = {-384.0f, 3.0f, -63.5f, 2.5f, 15.875f, 0.0f};
  for (size_t i = 0; i < 6; ++i) BOOST_TEST(y[i] == expected[i]);
  BOOST_TEST(std::isnan(y[6]));
}

BOOST_AUTO_TEST_CASE(embeddings_that_break_the_contract_are_refused) {
  BOOST_TEST(why_embedding([](Program&) {}) == "");
  BOOST_TEST(why_embedding([](Program& p) { p.values[0].dtype = DType::f32; }) ==
             "embedding 'layer': input 0 is f32, not s64");
  BOOST_TEST(why_embedding([](Program& p) { p.values[1].shape = {8}; }) ==
             "embedding 'layer': weight has shape [8], not [num, dim]");
  BOOST_TEST(why_embedding([](Program& p) { p.values[1].dtype = DType::s32; }) ==
             "embedding 'layer': weight is s32, not f32");
  BOOST_TEST(why_embedding([](Program& p) {
               p.values[2].shape = {1, 3, 3};
             }) == "embedding 'layer': output has shape [1, 3, 3], not [1, 3, 2]");
  BOOST_TEST(why_embedding([](Program& p) {
               p.values[0].shape = {1, 3, 1, 1, 1, 1};
             }).starts_with("embedding 'layer': indices have shape"));
  BOOST_TEST(why_embedding([](Program& p) { p.values[2].dtype = DType::s64; }) ==
             "embedding 'layer': value 2 'y' is s64; such values are inputs of the program only");
}

}  // namespace octet::engine
