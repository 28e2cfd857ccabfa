// attention: its kernel on sequences of a batch, and what it refuses.
#define BOOST_TEST_MODULE attention
#include <boost/test/unit_test.hpp>
#include <functional>

#include "engine/engine_testing.h"
#include "kernels/attention_f32_ref.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3, kLength = 10, kHeads = 2, kSize = 6;
constexpr size_t kElements = kBatch * kLength * kHeads * kSize;

Program attention_program() {
  Program p;
  for (const char* name : {"q", "k", "v"})
    p.inputs.push_back(p.add_activation(name, DType::f32, {1, kLength, kHeads * kSize}));
  p.outputs = {p.add_activation("y", DType::f32, {1, kLength, kHeads * kSize})};
  p.inputs.push_back(p.add_activation("mask", DType::s64, {1, kLength}));
  p.add_instruction("attention", "layer", {0, 1, 2, 4}, {3}).attributes = {
      {"heads", int64_t{kHeads}}};
  return p;
}

std::string why_attention(const std::function<void(Program&)>& edit) {
  Program program = attention_program();
  edit(program);
  return Model::create(std::move(program)).why();
}

}  // namespace

BOOST_AUTO_TEST_CASE(kernel_and_reference_give_the_same_bits_for_any_threads) {
  const auto model = testing::make_model(attention_program());
  ThreadPool pool(3);
  std::vector<float> results[3];
  const SessionOptions options[] = {
      {.batch = kBatch}, {.batch = kBatch, .pool = &pool}, {.batch = kBatch, .reference = true}};
  for (int i = 0; i < 3; ++i) {
    auto session = testing::required(Session::create(model, options[i]));
    Rng rng(1);
    for (size_t input = 0; input < 3; ++input)
      for (size_t k = 0; k < kElements; ++k)
        static_cast<float*>(session->input(input))[k] = rng.uniform(-2.0f, 2.0f);
    auto* mask = static_cast<int64_t*>(session->input(3));
    for (size_t k = 0; k < kBatch * kLength; ++k) mask[k] = rng.below(3) > 0;
    session->run();
    const auto* y = static_cast<const float*>(session->output());
    results[i].assign(y, y + kElements);
  }
  BOOST_TEST((results[0] == results[1]));
  BOOST_TEST((results[0] == results[2]));
}

BOOST_AUTO_TEST_CASE(attention_that_breaks_the_contract_is_refused) {
  BOOST_TEST(why_attention([](Program&) {}) == "");
  BOOST_TEST(why_attention([](Program& p) {
               p.instructions[0].inputs.pop_back();
               p.inputs.pop_back();
               p.values.pop_back();
             }) == "");
  BOOST_TEST(why_attention([](Program& p) { p.instructions[0].attributes.clear(); }) ==
             "attention 'layer': attribute 'heads' is missing");
  BOOST_TEST(why_attention([](Program& p) {
               p.instructions[0].attributes = {{"heads", int64_t{5}}};
             }) == "attention 'layer': 12 features in 5 heads");
  BOOST_TEST(why_attention([](Program& p) {
               p.values[1].shape = {1, 9, 12};
             }) == "attention 'layer': value 'k' is f32 [1, 9, 12], not f32 [1, 10, 12]");
  BOOST_TEST(why_attention([](Program& p) {
               p.values[4].shape = {1, 9};
             }) == "attention 'layer': mask is s64 [1, 9], not s64 [1, 10]");
  BOOST_TEST(why_attention([](Program& p) { p.values[4].dtype = DType::f32; }) ==
             "attention 'layer': mask is f32 [1, 10], not s64 [1, 10]");
  BOOST_TEST(why_attention([](Program& p) { p.values[0].dtype = DType::s64; }) ==
             "attention 'layer': value 'q' is s64 [1, 10, 12], not f32 [1, 10, 12]");
  BOOST_TEST(why_attention([](Program& p) {
               p.values[1].name = "k\n";
               p.values[1].shape = {1, 9, 12};
             }) == "attention 'layer': value 'k?' is f32 [1, 9, 12], not f32 [1, 10, 12]");
}

}  // namespace octet::engine
