#define BOOST_TEST_MODULE cat
#include "nn/cat.h"

#include <boost/test/unit_test.hpp>

#include "nn/activation.h"
#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::check_gradients;
using testing::Inputs;
using testing::message_of;
using testing::Values;

BOOST_AUTO_TEST_CASE(channels_stand_side_by_side) {
  check_gradients(
      "cat",
      [](Inputs x) {
        return cat({x[0], x[1], x[2]});
      },
      {uniform({2, 2, 3}, 3.0f), uniform({2, 2, 1}, 3.0f), uniform({2, 2, 2}, 3.0f)},
      [](auto x) {
        Values y;
        for (size_t row = 0; row < 4; ++row) {
          y.insert(y.end(), x[0].begin() + row * 3, x[0].begin() + row * 3 + 3);
          y.insert(y.end(), x[1].begin() + row, x[1].begin() + row + 1);
          y.insert(y.end(), x[2].begin() + row * 2, x[2].begin() + row * 2 + 2);
        }
        return y;
      });
}

BOOST_AUTO_TEST_CASE(any_dimension) {
  check_gradients(
      "cat",
      [](Inputs x) {
        return cat({x[0], x[1]}, 0);
      },
      {uniform({2, 3}, 3.0f), uniform({1, 3}, 3.0f)},
      [](auto x) {
        x[0].insert(x[0].end(), x[1].begin(), x[1].end());
        return x[0];
      });
  check_gradients(
      "cat",
      [](Inputs x) {
        return cat({x[0], x[0]}, 1);
      },
      {uniform({2, 3, 2}, 3.0f)},
      [](auto x) {
        Values y;
        for (size_t i : {0, 0, 1, 1})
          y.insert(y.end(), x[0].begin() + i * 6, x[0].begin() + i * 6 + 6);
        return y;
      });
  BOOST_CHECK(cat({Tensor::zeros({2, 0}), Tensor::zeros({2, 3})}).shape() == (Shape{2, 3}));
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  for (int dim : {-1, 3}) {
    testing::Lambda net([=](const Tensor& x) { return cat({x, relu(x), x}, dim); });
    const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 5})));
    const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
    BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), net(x)));
  }
}

BOOST_AUTO_TEST_CASE(other_dimensions_than_channels_have_no_instruction) {
  testing::Lambda net([](const Tensor& x) { return cat({x, x}, 1); });
  BOOST_TEST(message_of([&] {
               lower(trace(net, Tensor::zeros({1, 2, 2, 3})));
             }) == "cat: cat: the engine puts together channels only, not dimension -3");
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  BOOST_TEST(message_of([] { cat({}); }) == "cat: nothing to put together");
  BOOST_TEST(message_of([] {
               cat({Tensor::zeros({2, 3}), Tensor::zeros({1, 3})});
             }) == "cat: shapes [2, 3] and [1, 3] differ in more than dimension 1");
  BOOST_TEST(message_of([] {
               cat({Tensor::zeros({2, 3})}, 2);
             }) == "cat: dim is 2, input has 2 dimensions");
}

}  // namespace octet::nn
