#define BOOST_TEST_MODULE linear
#include "nn/linear.h"

#include <boost/test/unit_test.hpp>

#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::message_of;
using testing::Sum;

BOOST_AUTO_TEST_CASE(equals_the_formula) {
  for (bool bias : {true, false}) {
    Linear linear(37, 11, {.bias = bias});
    BOOST_TEST(linear.bias.defined() == bias);
    const Tensor x = uniform({5, 37}, 3.0f);
    const Tensor y = linear(x);
    BOOST_CHECK(y.shape() == (Shape{5, 11}));
    for (int64_t i = 0; i < 5; ++i) {
      for (int64_t o = 0; o < 11; ++o) {
        Sum sum;
        if (bias) sum.add(linear.bias.data<float>()[o]);
        for (int64_t k = 0; k < 37; ++k)
          sum.add(double{x.data<float>()[i * 37 + k]} * linear.weight.data<float>()[o * 37 + k]);
        BOOST_REQUIRE(testing::within(y.data<float>()[i * 11 + o], sum));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(works_on_the_last_dimension) {
  Linear linear(3, 2);
  const Tensor x = uniform({4, 5, 3}, 1.0f);
  const Tensor y = linear(x);
  BOOST_CHECK(y.shape() == (Shape{4, 5, 2}));
  BOOST_TEST(testing::equal_bits(y.view({20, 2}), linear(x.view({20, 3}))));
  BOOST_CHECK(linear(Tensor::zeros({0, 3})).shape() == (Shape{0, 2}));
}

BOOST_AUTO_TEST_CASE(programs_take_any_rows_of_a_batch) {
  Linear linear(3, 2);
  const Tensor x = uniform({4, 5, 2, 3}, 1.0f);
  const engine::Program program = lower(trace(linear, x.slice(0, 1)));
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), linear(x)));
}

BOOST_AUTO_TEST_CASE(starts_within_one_over_the_root_of_in_features) {
  Linear linear(100, 50);
  for (float w : linear.weight.values<float>()) BOOST_REQUIRE(std::abs(w) <= 0.1f);
  for (float b : linear.bias.values<float>()) BOOST_REQUIRE(std::abs(b) <= 0.1f);
}

BOOST_AUTO_TEST_CASE(a_shared_weight_is_one_tensor_with_a_bias_of_each) {
  Linear one(3, 2), other(one.weight, Tensor::full({2}, 1.0f)), plain(one.weight, {});
  one.weight.data<float>()[0] = 5.0f;
  one.bias.data<float>()[0] = 0.0f;
  const Tensor x = Tensor::from({1, 3}, {1, 0, 0});
  BOOST_TEST(one(x).data<float>()[0] == 5.0f);
  BOOST_TEST(other(x).data<float>()[0] == 6.0f);
  BOOST_TEST(plain(x).data<float>()[0] == 5.0f);
  BOOST_TEST(same(other.named_parameters()[0].second, one.weight));
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  Linear linear(4, 2);
  BOOST_TEST(message_of([&] {
               linear(Tensor::zeros({1, 3}));
             }) == "linear: input has 3 features, weight expects 4");
  BOOST_TEST(message_of([&] { Linear(0, 2); }) == "linear: 0 input and 2 output features");
}

}  // namespace octet::nn
