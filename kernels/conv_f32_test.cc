#define BOOST_TEST_MODULE conv_f32
#include "kernels/conv_f32.h"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <vector>

#include "kernels/conv_f32_ref.h"
#include "kernels/conv_f32_testing.h"

namespace octet::kernels {
namespace {

using Layer = testing::ConvF32Layer<conv_f32::Params, conv_f32::packed_bytes, conv_f32::pack,
                                    conv_f32::work, conv_f32::run, ref::conv_f32>;
constexpr auto check_everywhere = testing::check_everywhere<Layer>;

Conv2dGeometry linear(size_t rows, size_t inputs, size_t outputs) {
  return {.batch = rows, .in_c = inputs, .out_c = outputs};
}

// A few of each kind: dense, kxk, strided, dilated, grouped, few channels.
std::vector<Conv2dGeometry> assorted() {
  return {
      {.batch = 3, .in_h = 9, .in_w = 8, .in_c = 20, .out_h = 9, .out_w = 8, .out_c = 70},
      {.batch = 3,
       .in_h = 9,
       .in_w = 8,
       .in_c = 5,
       .out_h = 9,
       .out_w = 8,
       .out_c = 17,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 3,
       .in_h = 23,
       .in_w = 21,
       .in_c = 3,
       .out_h = 12,
       .out_w = 11,
       .out_c = 33,
       .kernel_h = 3,
       .kernel_w = 3,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 3,
       .in_h = 10,
       .in_w = 11,
       .in_c = 12,
       .out_h = 5,
       .out_w = 6,
       .out_c = 10,
       .kernel_h = 3,
       .kernel_w = 2,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 2},
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(matrix_products_of_all_sizes_around_the_tile) {
  for (const size_t rows : {1, 2, 3, 6, 7, 11, 12, 13, 14, 15, 29})
    for (const size_t outputs : {1, 3, 4, 5, 15, 16, 17, 23, 24, 25, 31, 32, 33, 56, 65})
      check_everywhere(linear(rows, rows % 2 ? 19 : 8, outputs));
  for (const size_t inputs : {1, 2, 3, 4, 5, 64, 1280}) check_everywhere(linear(15, inputs, 40));
}

BOOST_AUTO_TEST_CASE(one_row_of_many_outputs) {
  for (const size_t outputs : {127, 128, 129, 200, 300}) {
    check_everywhere(linear(1, 19, outputs));
    check_everywhere({.in_c = 12, .out_c = 2 * outputs, .groups = 2});
  }
  testing::check_same_bits_in_any_batch<Layer>({linear(3, 19, 300)});
}

BOOST_AUTO_TEST_CASE(one_by_one_layers) {
  check_everywhere(
      {.batch = 3, .in_h = 5, .in_w = 7, .in_c = 10, .out_h = 5, .out_w = 7, .out_c = 24});
  check_everywhere({.batch = 2,
                    .in_h = 9,
                    .in_w = 8,
                    .in_c = 10,
                    .out_h = 5,
                    .out_w = 4,
                    .out_c = 24,
                    .stride_h = 2,
                    .stride_w = 2});
  // Padding around a 1x1 kernel: the border is bias alone.
  check_everywhere({.in_h = 3,
                    .in_w = 4,
                    .in_c = 6,
                    .out_h = 5,
                    .out_w = 6,
                    .out_c = 9,
                    .pad_top = 1,
                    .pad_left = 1});
}

// A power of 2 between the pixels of a tile: in one block and several, strided, padded, in groups.
std::vector<Conv2dGeometry> pixels_in_one_set_of_the_cache() {
  return {{.batch = 2, .in_h = 8, .in_w = 9, .in_c = 1024, .out_h = 8, .out_w = 9, .out_c = 70},
          {.batch = 2,
           .in_h = 9,
           .in_w = 12,
           .in_c = 512,
           .out_h = 6,
           .out_w = 7,
           .out_c = 40,
           .stride_h = 2,
           .stride_w = 2,
           .pad_top = 1,
           .pad_left = 1},
          {.batch = 2,
           .in_h = 5,
           .in_w = 6,
           .in_c = 2048,
           .out_h = 5,
           .out_w = 6,
           .out_c = 66,
           .groups = 2},
          {.batch = 2,
           .in_h = 4,
           .in_w = 5,
           .in_c = 1024,
           .out_h = 3,
           .out_w = 4,
           .out_c = 40,
           .kernel_h = 2,
           .kernel_w = 2},
          {.batch = 2,
           .in_h = 4,
           .in_w = 600,
           .in_c = 4,
           .out_h = 4,
           .out_w = 3,
           .out_c = 5,
           .kernel_w = 2,
           .stride_w = 256}};
}

BOOST_AUTO_TEST_CASE(pixels_that_share_a_set_of_the_cache) {
  for (const Conv2dGeometry& g : pixels_in_one_set_of_the_cache()) check_everywhere(g);
  testing::check_same_bits_in_any_batch<Layer>(pixels_in_one_set_of_the_cache());
  for (const size_t rows : {6, 7, 8, 14, 15, 130}) check_everywhere(linear(rows, 1024, 20));
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  for (const size_t in_c : {1, 2, 3, 4, 5, 16})
    for (const size_t kernel : {2, 3, 5})
      for (const size_t stride : {1, 2, 3})
        for (const size_t dilation : {1, 2})
          for (const size_t pad : {0, 1, 3}) {
            const size_t reach = (kernel - 1) * dilation;  // one more row and column at the ends
            const size_t in_h = 11, in_w = 10;
            check_everywhere({.batch = 2,
                              .in_h = in_h,
                              .in_w = in_w,
                              .in_c = in_c,
                              .out_h = (in_h + pad + 1 - reach - 1) / stride + 1,
                              .out_w = (in_w + 2 * pad + 1 - reach - 1) / stride + 1,
                              .out_c = 18,
                              .kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .pad_top = pad,
                              .pad_left = pad,
                              .dilation_h = dilation,
                              .dilation_w = dilation});
          }
}

BOOST_AUTO_TEST_CASE(kernels_that_differ_in_height_and_width) {
  for (const size_t in_c : {3, 6}) {
    check_everywhere({.in_h = 6,
                      .in_w = 12,
                      .in_c = in_c,
                      .out_h = 6,
                      .out_w = 12,
                      .out_c = 20,
                      .kernel_h = 1,
                      .kernel_w = 7,
                      .pad_left = 3});
    check_everywhere({.in_h = 12,
                      .in_w = 6,
                      .in_c = in_c,
                      .out_h = 12,
                      .out_w = 6,
                      .out_c = 20,
                      .kernel_h = 7,
                      .kernel_w = 1,
                      .pad_top = 3});
    check_everywhere({.in_h = 12,
                      .in_w = 13,
                      .in_c = in_c,
                      .out_h = 4,
                      .out_w = 7,
                      .out_c = 20,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .stride_h = 3,
                      .stride_w = 2,
                      .pad_left = 1,
                      .dilation_h = 2});
  }
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  for (const size_t in_c : {3, 6})
    check_everywhere({.in_h = 2,
                      .in_w = 3,
                      .in_c = in_c,
                      .out_h = 9,
                      .out_w = 10,
                      .out_c = 5,
                      .kernel_h = 3,
                      .kernel_w = 3,
                      .pad_top = 4,
                      .pad_left = 5});
}

BOOST_AUTO_TEST_CASE(groups_see_their_own_channels) {
  for (const size_t groups : {2, 3})
    for (const size_t group_out : {1, 5, 16, 33}) {
      check_everywhere({.batch = 2,
                        .in_h = 5,
                        .in_w = 6,
                        .in_c = groups * 4,
                        .out_h = 5,
                        .out_w = 6,
                        .out_c = groups * group_out,
                        .groups = groups});
      check_everywhere({.batch = 2,
                        .in_h = 5,
                        .in_w = 6,
                        .in_c = groups,
                        .out_h = 5,
                        .out_w = 6,
                        .out_c = groups * group_out,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .pad_top = 1,
                        .pad_left = 1,
                        .groups = groups});
    }
}

BOOST_AUTO_TEST_CASE(many_channels_of_a_residual_block) {
  check_everywhere({.in_h = 7,
                    .in_w = 7,
                    .in_c = 130,
                    .out_h = 7,
                    .out_w = 7,
                    .out_c = 130,
                    .kernel_h = 3,
                    .kernel_w = 3,
                    .pad_top = 1,
                    .pad_left = 1});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  Layer layer(linear(0, 8, 8), 1);
  layer.pack_and_run();
  BOOST_TEST(layer.y.size() == 0u);
}

BOOST_AUTO_TEST_CASE(without_bias_sums_start_from_zero) {
  testing::check_without_bias<Layer>(assorted());
}

BOOST_AUTO_TEST_CASE(clamps_to_both_ends) { testing::check_clamps_to_both_ends<Layer>(assorted()); }

// Large enough for several tasks, cut by rows or by columns.
BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  const std::vector<Conv2dGeometry> large = {
      {.batch = 2, .in_h = 40, .in_w = 41, .in_c = 40, .out_h = 40, .out_w = 41, .out_c = 72},
      {.batch = 2,
       .in_h = 20,
       .in_w = 21,
       .in_c = 32,
       .out_h = 20,
       .out_w = 21,
       .out_c = 40,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1},
      {.batch = 2,
       .in_h = 97,
       .in_w = 95,
       .in_c = 3,
       .out_h = 49,
       .out_w = 48,
       .out_c = 24,
       .kernel_h = 5,
       .kernel_w = 5,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 2,
       .pad_left = 2},
      linear(3, 500, 1200),
      linear(150, 1024, 100),
      {.in_h = 7,
       .in_w = 7,
       .in_c = 256,
       .out_h = 7,
       .out_w = 7,
       .out_c = 256,
       .kernel_h = 3,
       .kernel_w = 3,
       .pad_top = 1,
       .pad_left = 1,
       .groups = 2},
  };
  testing::check_any_split_gives_the_same_bits<Layer>(large);
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  testing::check_same_bits_in_any_batch<Layer>(assorted());
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer({.in_h = 7,
               .in_w = 7,
               .in_c = 16,
               .out_h = 7,
               .out_w = 7,
               .out_c = 16,
               .kernel_h = 3,
               .kernel_w = 3,
               .pad_top = 1,
               .pad_left = 1},
              9);
  layer.pack_and_run();
  layer.weight[5 * 144 + 72] = 0.0f;  // of output channel 5; packed before
  BOOST_TEST(layer.mistakes() > 40u);
}

}  // namespace octet::kernels
