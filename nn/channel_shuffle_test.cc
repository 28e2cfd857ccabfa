#define BOOST_TEST_MODULE channel_shuffle
#include "nn/channel_shuffle.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::at;
using testing::equal_bits;
using testing::message_of;

BOOST_AUTO_TEST_CASE(channels_of_the_groups_alternate) {
  const Tensor x = uniform({2, 2, 3, 6}, 1.0f);
  const Tensor y = channel_shuffle(x, 3);
  const int64_t from[] = {0, 2, 4, 1, 3, 5};
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t w = 0; w < 3; ++w)
        for (int64_t c = 0; c < 6; ++c) BOOST_REQUIRE(at(y, n, h, w, c) == at(x, n, h, w, from[c]));
  ChannelShuffle module(3);
  BOOST_TEST(equal_bits(module(x), y));
}

BOOST_AUTO_TEST_CASE(a_shuffle_of_the_other_factor_undoes_it) {
  const Tensor x = uniform({1, 3, 3, 10}, 1.0f);
  BOOST_TEST(equal_bits(channel_shuffle(channel_shuffle(x, 2), 5), x));
}

BOOST_AUTO_TEST_CASE(the_gradient_goes_back_to_where_the_channel_came_from) {
  testing::check_gradients(
      "channel_shuffle", [](testing::Inputs x) { return channel_shuffle(x[0], 2); },
      {uniform({2, 1, 2, 8}, 3.0f)},
      [](auto x) {
        testing::Values y(x[0].size());
        for (size_t i = 0; i < y.size(); ++i) {
          const size_t c = i % 8;
          y[i] = x[0][i - c + c % 2 * 4 + c / 2];
        }
        return y;
      });
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  testing::Lambda net([](const Tensor& x) { return channel_shuffle(x, 2); });
  const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 6})));
  const Tensor x = uniform({2, 3, 4, 6}, 1.0f);
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), net(x)));
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  BOOST_TEST(message_of([] {
               channel_shuffle(Tensor::zeros({1, 2, 2, 6}), 4);
             }) == "channel_shuffle: 6 channels in 4 groups");
  BOOST_TEST(message_of([] { ChannelShuffle(0); }) == "channel_shuffle: 0 groups");
}

}  // namespace octet::nn
