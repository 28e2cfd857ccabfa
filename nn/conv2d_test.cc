#define BOOST_TEST_MODULE conv2d
#include "nn/conv2d.h"

#include <boost/test/unit_test.hpp>

#include "base/rng.h"
#include "nn/conv_kernels.h"
#include "nn/nn_testing.h"
#include "tensor/threads.h"

namespace octet::nn {
namespace {

using testing::at;
using testing::message_of;
using testing::Sum;

Sum naive(const Tensor& x, const Conv2d& conv, const Conv2dOptions& o, int64_t n, int64_t oy,
          int64_t ox, int64_t oc) {
  const int64_t group_in = x.dim(3) / o.groups, group_out = conv.weight.dim(0) / o.groups;
  Sum sum;
  if (conv.bias.defined()) sum.add(conv.bias.data<float>()[oc]);
  for (int64_t ky = 0; ky < o.kernel_size.h; ++ky) {
    for (int64_t kx = 0; kx < o.kernel_size.w; ++kx) {
      const int64_t iy = oy * o.stride.h - o.padding.h + ky * o.dilation.h;
      const int64_t ix = ox * o.stride.w - o.padding.w + kx * o.dilation.w;
      if (iy < 0 || iy >= x.dim(1) || ix < 0 || ix >= x.dim(2)) continue;
      for (int64_t c = 0; c < group_in; ++c)
        sum.add(double{at(conv.weight, oc, ky, kx, c)} *
                at(x, n, iy, ix, oc / group_out * group_in + c));
    }
  }
  return sum;
}

void check(int64_t in_c, int64_t out_c, const Conv2dOptions& o, const Shape& shape,
           Size2 expected) {
  manual_seed(7);
  Conv2d conv(in_c, out_c, o);
  const Tensor x = uniform(shape, 2.0f);
  const Tensor y = conv(x);
  BOOST_CHECK(y.shape() == (Shape{shape[0], expected.h, expected.w, out_c}));
  for (int64_t n = 0; n < y.dim(0); ++n)
    for (int64_t oy = 0; oy < y.dim(1); ++oy)
      for (int64_t ox = 0; ox < y.dim(2); ++ox)
        for (int64_t c = 0; c < out_c; ++c)
          BOOST_REQUIRE(testing::within(at(y, n, oy, ox, c), naive(x, conv, o, n, oy, ox, c)));
}

// The gradient of 16x3x3x16 weights with minimal filtering on or off.
Tensor weight_gradient(const Tensor& x, const Tensor& dy, bool winograd, unsigned threads) {
  const Shape shape{16, 3, 3, 16};
  const Conv2dOp op({.kernel_size = 3, .padding = 1});
  set_winograd(winograd);
  set_num_threads(threads);
  const Tensor dw =
      conv_dw(op.conv_geometry(x, Tensor::zeros(shape)), {.f32 = x.data<float>()}, dy, shape);
  set_winograd(true);
  set_num_threads(1);
  return dw;
}

}  // namespace

BOOST_AUTO_TEST_CASE(equals_the_formula) {
  check(3, 8, {.kernel_size = 3, .stride = 2, .padding = 1}, {2, 9, 10, 3}, {5, 5});
  check(5, 7, {.bias = false}, {3, 4, 1, 5}, {4, 1});
  check(4, 6, {.kernel_size = {1, 3}, .padding = {0, 2}, .dilation = {1, 2}, .groups = 2},
        {1, 5, 7, 4}, {5, 7});
  check(2, 3, {.kernel_size = {5, 2}, .stride = {1, 3}}, {1, 5, 8, 2}, {1, 3});
}

BOOST_AUTO_TEST_CASE(depthwise_equals_the_formula) {
  check(19, 19, {.kernel_size = 3, .padding = 1, .groups = 19}, {2, 6, 5, 19}, {6, 5});
  check(8, 8, {.kernel_size = 3, .stride = 2, .padding = 1, .groups = 8, .bias = false},
        {1, 7, 7, 8}, {4, 4});
  // More outputs than inputs: not the depthwise kernel.
  check(3, 6, {.kernel_size = 3, .groups = 3}, {1, 5, 5, 3}, {3, 3});
}

BOOST_AUTO_TEST_CASE(takes_an_empty_batch) {
  Conv2d conv(3, 4, {.kernel_size = 3});
  BOOST_CHECK(conv(Tensor::zeros({0, 5, 5, 3})).shape() == (Shape{0, 3, 3, 4}));
}

BOOST_AUTO_TEST_CASE(threads_never_change_a_bit) {
  Conv2d conv(3, 16, {.kernel_size = 3, .padding = 1});
  const Tensor x = uniform({2, 17, 19, 3}, 1.0f);
  const Tensor one = conv(x);
  set_num_threads(3);
  const Tensor three = conv(x);
  set_num_threads(1);
  BOOST_TEST(testing::equal_bits(one, three));
}

// On integers whose gradient both forms give exactly (kernels/winograd_f32_dw_test.cc).
BOOST_AUTO_TEST_CASE(minimal_filtering_gives_the_gradient_of_the_weight) {
  const Tensor x = Tensor::empty({5, 9, 8, 16}), dy = Tensor::empty(x.shape());
  Rng rng(1);
  for (float& v : x.values<float>()) v = static_cast<float>(rng.integer(-1, 1));
  for (float& v : dy.values<float>()) v = static_cast<float>(36 * rng.integer(-1, 1));
  BOOST_TEST(
      testing::equal_bits(weight_gradient(x, dy, true, 1), weight_gradient(x, dy, false, 1)));
}

BOOST_AUTO_TEST_CASE(threads_never_change_a_bit_of_the_gradient_by_minimal_filtering) {
  const Tensor x = uniform({70, 9, 8, 16}, 1.0f), dy = uniform(x.shape(), 1.0f);
  const Tensor one = weight_gradient(x, dy, true, 1);
  BOOST_TEST(testing::equal_bits(one, weight_gradient(x, dy, true, 3)));
  BOOST_TEST(!testing::equal_bits(one, weight_gradient(x, dy, false, 1)));  // it was taken
}

BOOST_AUTO_TEST_CASE(starts_uniform_within_one_over_the_root_of_fan_in) {
  manual_seed(1);
  Conv2d conv(8, 64, {.kernel_size = 3, .groups = 2});
  const float bound = 1.0f / 6.0f;  // sqrt(4 * 9)
  float largest = 0;
  for (float w : conv.weight.values<float>()) largest = std::max(largest, std::abs(w));
  BOOST_TEST(largest <= bound);
  BOOST_TEST(largest > 0.99f * bound);  // 2304 draws miss the last hundredth once in 10^10
  for (float b : conv.bias.values<float>()) BOOST_TEST(std::abs(b) <= bound);
  manual_seed(1);
  Conv2d again(8, 64, {.kernel_size = 3, .groups = 2});
  BOOST_TEST(testing::equal_bits(conv.weight, again.weight));
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  Conv2d conv(4, 8, {.kernel_size = 3});
  BOOST_TEST(message_of([&] {
               conv(Tensor::zeros({1, 5, 5, 3}));
             }) == "conv2d: input has 3 channels, weight expects 4");
  BOOST_TEST(message_of([&] {
               conv(Tensor::zeros({5, 5, 4}));
             }) == "conv2d: input is f32 [5, 5, 4], expects f32 with 4 dimensions");
  BOOST_TEST(message_of([&] {
               conv(Tensor::zeros({1, 2, 5, 4}));
             }) ==
             "conv2d: input [1, 2, 5, 4] is too small for kernel [3, 3], padding [0, 0], dilation "
             "[1, 1]");
  BOOST_TEST(message_of([&] { Conv2d(4, 6, {.groups = 3}); }) ==
             "conv2d: 4 input and 6 output channels in 3 groups");
  BOOST_TEST(message_of([&] { Conv2d(4, 6, {.groups = 0}); }) == "conv2d: 0 groups");
  BOOST_TEST(message_of([&] { Conv2d(4, 6, {.stride = 0}); }) ==
             "conv2d: stride is [0, 0], expects positive numbers");
}

}  // namespace octet::nn
