#define BOOST_TEST_MODULE embedding
#include "nn/embedding.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::check_gradients;
using testing::Inputs;
using testing::message_of;
using testing::Values;

namespace {

Tensor indices(const Shape& shape, std::vector<int64_t> values) {
  return Tensor::from<int64_t>(shape, values);
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_of_the_table) {
  check_gradients(
      "embedding",
      [](Inputs x) {
        return apply_one(std::make_shared<EmbeddingOp>(), {x[0], x[1]});
      },
      {indices({2, 3}, {4, 1, 1, 0, 4, 4}), uniform({5, 3}, 1.0f)},
      [](auto x) {
        Values y;
        for (double i : x[0])
          for (size_t k = 0; k < 3; ++k) y.push_back(x[1][static_cast<size_t>(i) * 3 + k]);
        return y;
      });
}

BOOST_AUTO_TEST_CASE(the_module_has_the_table) {
  Embedding embedding(4, 3);
  BOOST_CHECK(embedding(indices({2}, {0, 3})).shape() == (Shape{2, 3}));
  BOOST_TEST(embedding.named_parameters()[0].first == "weight");
}

BOOST_AUTO_TEST_CASE(indices_out_of_range_are_refused) {
  Embedding embedding(4, 3);
  BOOST_TEST(message_of([&] {
               embedding(indices({2}, {0, 4}));
             }) == "embedding: index 1 is 4, expects 0 to 3");
  BOOST_TEST(message_of([&] { embedding(indices({1}, {-1})); }) ==
             "embedding: index 0 is -1, expects 0 to 3");
  BOOST_TEST(message_of([&] { embedding(Tensor::zeros({2})); }) ==
             "embedding: indices are f32 [2], expects s64");
  BOOST_TEST(message_of([] { Embedding(0, 3); }) == "embedding: 0 embeddings of 3 elements");
}

BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  Embedding embedding(4, 3);
  const Tensor x = indices({2, 3}, {0, 3, 2, 1, 1, 0});
  const engine::Program program = lower(trace(embedding, x.slice(0, 1)));
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), embedding(x)));
}

}  // namespace octet::nn
