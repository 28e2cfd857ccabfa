#define BOOST_TEST_MODULE depthwise_f32
#include "kernels/depthwise_f32.h"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <vector>

#include "kernels/conv_f32_testing.h"
#include "kernels/depthwise_f32_ref.h"

namespace octet::kernels {
namespace {

using Layer =
    testing::ConvF32Layer<depthwise_f32::Params, depthwise_f32::packed_bytes, depthwise_f32::pack,
                          depthwise_f32::work, depthwise_f32::run, ref::depthwise_f32>;
constexpr auto check_everywhere = testing::check_everywhere<Layer>;

// Square kernel, padding `pad` before and `pad_after` after in both directions.
Conv2dGeometry square(size_t h, size_t w, size_t channels, size_t kernel, size_t stride, size_t pad,
                      size_t pad_after, size_t dilation = 1, size_t batch = 1) {
  const size_t reach = (kernel - 1) * dilation + 1;
  return {.batch = batch,
          .in_h = h,
          .in_w = w,
          .in_c = channels,
          .out_h = (h + pad + pad_after - reach) / stride + 1,
          .out_w = (w + pad + pad_after - reach) / stride + 1,
          .out_c = channels,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .groups = channels};
}

// 3x3 at both strides, and the general form.
std::vector<Conv2dGeometry> assorted() {
  return {square(9, 14, 24, 3, 1, 1, 1, 1, 3), square(9, 15, 19, 3, 2, 1, 1, 1, 3),
          square(12, 13, 33, 5, 1, 2, 2, 1, 3)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector) {
  for (const size_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100}) {
    check_everywhere(square(5, 7, channels, 3, 1, 1, 1));
    check_everywhere(square(6, 8, channels, 3, 2, 1, 1));
    check_everywhere(square(5, 8, channels, 5, 1, 2, 2));
  }
}

BOOST_AUTO_TEST_CASE(three_by_three_of_every_width) {
  for (size_t width = 2; width < 30; ++width)
    for (const size_t stride : {1, 2})
      for (const size_t pad : {0, 1})
        for (const size_t pad_after : {0, 1, 2})
          if (width + pad + pad_after >= 3)
            check_everywhere(square(3, width, 19, 3, stride, pad, pad_after));
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  for (const size_t kernel : {1, 2, 3, 5, 7})
    for (const size_t stride : {1, 2, 3})
      for (const size_t dilation : {1, 2})
        for (const size_t pad : {0, 1, 3})
          check_everywhere(square(13, 16, 20, kernel, stride, pad, pad / 2 + 1, dilation, 2));
}

BOOST_AUTO_TEST_CASE(kernels_and_strides_that_differ_in_height_and_width) {
  for (const size_t stride_h : {1, 3})
    for (const size_t dilation_h : {1, 2})
      check_everywhere({.in_h = 12,
                        .in_w = 10,
                        .in_c = 17,
                        .out_h = (12 + 2 - 2 * dilation_h - 1) / stride_h + 1,
                        .out_w = 10,
                        .out_c = 17,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = stride_h,
                        .pad_top = 1,
                        .pad_left = 1,
                        .dilation_h = dilation_h,
                        .groups = 17});
  check_everywhere({.in_h = 6,
                    .in_w = 12,
                    .in_c = 5,
                    .out_h = 6,
                    .out_w = 12,
                    .out_c = 5,
                    .kernel_h = 1,
                    .kernel_w = 7,
                    .pad_left = 3,
                    .groups = 5});
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check_everywhere(square(2, 3, 20, 3, 1, 5, 4));
  check_everywhere(square(2, 3, 20, 3, 2, 4, 5));
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  Layer layer(square(5, 5, 8, 3, 1, 1, 1, 1, 0), 1);
  layer.pack_and_run();
  BOOST_TEST(layer.tasks() == 0u);
}

BOOST_AUTO_TEST_CASE(without_bias_sums_start_from_zero) {
  testing::check_without_bias<Layer>(assorted());
}

BOOST_AUTO_TEST_CASE(clamps_to_both_ends) { testing::check_clamps_to_both_ends<Layer>(assorted()); }

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  const std::vector<Conv2dGeometry> large = {square(56, 57, 72, 3, 1, 1, 1, 1, 3),
                                             square(56, 57, 72, 3, 2, 1, 1, 1, 3),
                                             square(56, 57, 72, 5, 1, 2, 2)};
  testing::check_any_split_gives_the_same_bits<Layer>(large);
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  testing::check_same_bits_in_any_batch<Layer>(assorted());
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(square(7, 7, 16, 3, 1, 1, 1), 9);
  layer.pack_and_run();
  layer.weight[5 * 9 + 4] = 0.0f;  // of channel 5; packed before
  BOOST_TEST(layer.mistakes() > 40u);
}

}  // namespace octet::kernels
