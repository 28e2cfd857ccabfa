#define BOOST_TEST_MODULE slice
#include "nn/slice.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::at;
using testing::message_of;

BOOST_AUTO_TEST_CASE(the_channels_of_the_range_are_taken) {
  const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
  const Tensor y = slice_channels(x, 1, 4);
  BOOST_REQUIRE((y.shape() == Shape{2, 3, 4, 3}));
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t h = 0; h < 3; ++h)
      for (int64_t w = 0; w < 4; ++w)
        for (int64_t c = 0; c < 3; ++c) BOOST_REQUIRE(at(y, n, h, w, c) == at(x, n, h, w, c + 1));
}

BOOST_AUTO_TEST_CASE(only_what_is_taken_has_a_gradient) {
  testing::check_gradients(
      "slice", [](testing::Inputs x) { return slice_channels(x[0], 2, 5); },
      {uniform({2, 1, 3, 6}, 3.0f)},
      [](auto x) {
        testing::Values y(2 * 3 * 3);
        for (size_t i = 0; i < y.size(); ++i) y[i] = x[0][i / 3 * 6 + 2 + i % 3];
        return y;
      });
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  testing::Lambda net([](const Tensor& x) { return slice_channels(x, 1, 4); });
  const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 6})));
  const Tensor x = uniform({2, 3, 4, 6}, 1.0f);
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), net(x)));
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  const Tensor x = Tensor::zeros({1, 2, 2, 6});
  BOOST_TEST(message_of([&] { slice_channels(x, 3, 7); }) == "slice: channels 3:7 of 6");
  BOOST_TEST(message_of([&] { slice_channels(x, 3, 3); }) == "slice: channels 3:3 of 6");
  BOOST_TEST(message_of([&] { slice_channels(x, -1, 3); }) == "slice: channels -1:3 of 6");
}

}  // namespace octet::nn
