#define BOOST_TEST_MODULE pad
#include "nn/pad.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"
#include "tensor/threads.h"

namespace octet::nn {

using testing::at;
using testing::equal_bits;
using testing::Lambda;
using testing::message_of;
using testing::run_engine;

BOOST_AUTO_TEST_CASE(every_side_gets_its_zeros) {
  const PadOptions o{.left = 1, .right = 2, .top = 3, .bottom = 0, .front = 2, .back = 1};
  const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
  for (unsigned threads : {1u, 3u}) {
    set_num_threads(threads);
    const Tensor y = pad(x, o);
    BOOST_REQUIRE((y.shape() == Shape{2, 6, 7, 8}));
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t h = 0; h < 6; ++h)
        for (int64_t w = 0; w < 7; ++w)
          for (int64_t c = 0; c < 8; ++c) {
            const bool inside = h >= 3 && w >= 1 && w < 5 && c >= 2 && c < 7;
            BOOST_REQUIRE(at(y, n, h, w, c) == (inside ? at(x, n, h - 3, w - 1, c - 2) : 0.0f));
          }
  }
  set_num_threads(1);
}

// As torch.nn.ZeroPad2d((0, 1, 2, 3)): left, right, top, bottom.
BOOST_AUTO_TEST_CASE(zero_pad2d_takes_its_sides_in_pytorchs_order) {
  const Tensor x = uniform({1, 2, 3, 4}, 1.0f);
  ZeroPad2d sides(0, 1, 2, 3), all(2);
  BOOST_TEST(equal_bits(sides(x), pad(x, {.right = 1, .top = 2, .bottom = 3})));
  BOOST_TEST(equal_bits(all(x), pad(x, {.left = 2, .right = 2, .top = 2, .bottom = 2})));
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  Lambda net([](const Tensor& x) {
    return pad(x, {.left = 1, .right = 2, .top = 3, .bottom = 4, .front = 5, .back = 6});
  });
  const engine::Program program = lower(trace(net, Tensor::zeros({1, 3, 4, 5})));
  BOOST_TEST(program.instructions.size() == 1u);
  const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
  BOOST_TEST(equal_bits(run_engine(program, x), net(x)));
}

BOOST_AUTO_TEST_CASE(only_what_is_inside_has_a_gradient) {
  testing::check_gradients(
      "pad",
      [](testing::Inputs x) {
        return pad(x[0], {.left = 1, .right = 2, .bottom = 1, .front = 2, .back = 1});
      },
      {uniform({2, 2, 3, 2}, 3.0f)},
      [](auto x) {
        testing::Values y(2 * 3 * 6 * 5);
        for (size_t i = 0; i < x[0].size(); ++i) {
          const size_t c = i % 2, w = i / 2 % 3, h = i / 6 % 2, n = i / 12;
          y[((n * 3 + h) * 6 + w + 1) * 5 + c + 2] = x[0][i];
        }
        return y;
      });
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  BOOST_TEST(message_of([] { ZeroPad2d(0, 0, -2, 0); }) ==
             "pad: padding is -2, expects no negative number");
  BOOST_TEST(message_of([] {
               pad(Tensor::zeros({2, 3}), {.left = 1});
             }) == "pad: input is f32 [2, 3], expects f32 with 4 dimensions");
}

}  // namespace octet::nn
