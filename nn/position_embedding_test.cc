#define BOOST_TEST_MODULE position_embedding
#include "nn/position_embedding.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::check_gradients;
using testing::Inputs;
using testing::message_of;
using testing::Values;

BOOST_AUTO_TEST_CASE(every_sequence_gets_the_rows_of_its_positions) {
  check_gradients(
      "position_embedding",
      [](Inputs x) {
        return apply_one(std::make_shared<PositionEmbeddingOp>(), {x[0], x[1]});
      },
      {uniform({2, 3, 4}, 1.0f), uniform({5, 4}, 1.0f)},
      [](const auto& x) {
        Values y = x[0];
        for (size_t i = 0; i < y.size(); ++i) y[i] += x[1][i % 12];
        return y;
      });
}

BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  PositionEmbedding positions(7, 4);
  const Tensor x = uniform({2, 3, 4}, 1.0f);
  const engine::Program program = lower(trace(positions, x.slice(0, 1)));
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), positions(x)));
}

BOOST_AUTO_TEST_CASE(sequences_longer_than_the_table_are_refused) {
  PositionEmbedding positions(7, 4);
  BOOST_TEST(message_of([&] {
               positions(Tensor::zeros({1, 8, 4}));
             }) == "position_embedding: input is [1, 8, 4], weight [7, 4]");
}

}  // namespace octet::nn
