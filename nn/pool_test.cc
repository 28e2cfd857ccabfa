#define BOOST_TEST_MODULE pool
#include <boost/test/unit_test.hpp>
#include <limits>

#include "nn/adaptive_avg_pool2d.h"
#include "nn/avg_pool2d.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::at;
using testing::message_of;
using testing::Sum;

// Calls visit(position) for every position of the window that lies inside [0, in).
template <class Visit>
void for_window(int64_t o, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                int64_t in, const Visit& visit) {
  for (int64_t k = 0; k < kernel; ++k) {
    const int64_t i = o * stride - padding + k * dilation;
    if (i >= 0 && i < in) visit(i);
  }
}

// visit(n, oy, ox, c) for every element.
template <class Visit>
void for_each(const Tensor& y, const Visit& visit) {
  for (int64_t n = 0; n < y.dim(0); ++n)
    for (int64_t oy = 0; oy < y.dim(1); ++oy)
      for (int64_t ox = 0; ox < y.dim(2); ++ox)
        for (int64_t c = 0; c < y.dim(3); ++c) visit(n, oy, ox, c);
}

void check_max(const MaxPool2dOptions& o, Size2 stride, Size2 expected) {
  const Tensor x = uniform({2, 8, 7, 5}, 3.0f);
  const Tensor y = max_pool2d(x, o);
  BOOST_CHECK(y.shape() == (Shape{2, expected.h, expected.w, 5}));
  for_each(y, [&](int64_t n, int64_t oy, int64_t ox, int64_t c) {
    float largest = -std::numeric_limits<float>::infinity();
    for_window(oy, o.kernel_size.h, stride.h, o.padding.h, o.dilation.h, 8, [&](int64_t iy) {
      for_window(ox, o.kernel_size.w, stride.w, o.padding.w, o.dilation.w, 7,
                 [&](int64_t ix) { largest = std::max(largest, at(x, n, iy, ix, c)); });
    });
    BOOST_REQUIRE(at(y, n, oy, ox, c) == largest);
  });
}

void check_avg(const AvgPool2dOptions& o, Size2 stride, Size2 expected) {
  const Tensor x = uniform({2, 8, 7, 5}, 3.0f);
  const Tensor y = avg_pool2d(x, o);
  BOOST_CHECK(y.shape() == (Shape{2, expected.h, expected.w, 5}));
  for_each(y, [&](int64_t n, int64_t oy, int64_t ox, int64_t c) {
    Sum sum;
    for_window(oy, o.kernel_size.h, stride.h, o.padding.h, 1, 8, [&](int64_t iy) {
      for_window(ox, o.kernel_size.w, stride.w, o.padding.w, 1, 7,
                 [&](int64_t ix) { sum.add(at(x, n, iy, ix, c)); });
    });
    const double divisor =
        o.count_include_pad ? static_cast<double>(o.kernel_size.h * o.kernel_size.w) : sum.terms;
    // The reciprocal and the product round once more each.
    const double bound = sum.bound() / divisor + 0x1p-23 * sum.magnitude / divisor;
    BOOST_REQUIRE(std::abs(at(y, n, oy, ox, c) - sum.value / divisor) <= bound);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(max_is_the_largest_of_the_window) {
  check_max({.kernel_size = 2}, 2, {4, 3});
  check_max({.kernel_size = 3, .stride = 2, .padding = 1}, 2, {4, 4});
  check_max({.kernel_size = {2, 3}, .stride = {3, 1}, .padding = {1, 0}, .dilation = {2, 1}},
            {3, 1}, {3, 5});
}

BOOST_AUTO_TEST_CASE(ceil_mode_counts_windows_as_pytorch) {
  check_max({.kernel_size = 2, .ceil_mode = true}, 2, {4, 4});
  check_max({.kernel_size = 3, .stride = 2, .ceil_mode = true}, 2, {4, 3});
  // A fourth column of windows would start in the padding behind the image.
  check_max({.kernel_size = 2, .stride = 4, .padding = 1, .ceil_mode = true}, 4, {3, 2});
}

BOOST_AUTO_TEST_CASE(average_counts_the_padding_only_when_asked) {
  check_avg({.kernel_size = 2}, 2, {4, 3});
  check_avg({.kernel_size = 3, .stride = 2, .padding = 1}, 2, {4, 4});
  check_avg({.kernel_size = 3, .stride = 2, .padding = 1, .count_include_pad = false}, 2, {4, 4});
}

BOOST_AUTO_TEST_CASE(adaptive_windows_cut_the_image) {
  const Tensor x = uniform({2, 7, 5, 3}, 3.0f);
  for (Size2 out : {Size2(1), Size2(3, 2), Size2(7, 5), Size2(9, 1)}) {
    const Tensor y = adaptive_avg_pool2d(x, out);
    BOOST_CHECK(y.shape() == (Shape{2, out.h, out.w, 3}));
    for_each(y, [&](int64_t n, int64_t oy, int64_t ox, int64_t c) {
      Sum sum;
      for (int64_t iy = oy * 7 / out.h; iy * out.h < (oy + 1) * 7; ++iy)
        for (int64_t ix = ox * 5 / out.w; ix * out.w < (ox + 1) * 5; ++ix)
          sum.add(at(x, n, iy, ix, c));
      const double bound = sum.bound() / sum.terms + 0x1p-23 * sum.magnitude / sum.terms;
      BOOST_REQUIRE(std::abs(at(y, n, oy, ox, c) - sum.value / sum.terms) <= bound);
    });
  }
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  BOOST_TEST(message_of([] { MaxPool2d({.kernel_size = 3, .padding = 2}); }) ==
             "max_pool2d: padding [2, 2] is more than half of kernel [3, 3]");
  BOOST_TEST(message_of([] {
               avg_pool2d(Tensor::zeros({1, 2, 2, 3}), {.kernel_size = 3});
             }) ==
             "avg_pool2d: input [1, 2, 2, 3] is too small for kernel [3, 3], padding [0, 0], "
             "dilation [1, 1]");
  BOOST_TEST(message_of([] { AdaptiveAvgPool2d(0); }) ==
             "adaptive_avg_pool2d: output_size is [0, 0], expects positive numbers");
}

}  // namespace octet::nn
