#define BOOST_TEST_MODULE depthwise_f32
#include "kernels/depthwise_f32.h"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <vector>

#include "kernels/conv_f32_testing.h"
#include "kernels/depthwise_f32_ref.h"
#include "kernels/depthwise_testing.h"

namespace octet::kernels {
namespace {

using Layer =
    testing::ConvF32Layer<depthwise_f32::Params, depthwise_f32::packed_bytes, depthwise_f32::pack,
                          depthwise_f32::work, depthwise_f32::run, ref::depthwise_f32>;
using testing::square;

void check_everywhere(const std::vector<Conv2dGeometry>& layers) {
  for (const Conv2dGeometry& g : layers) testing::check_everywhere<Layer>(g);
}

// 3x3 at both strides, and the general form.
std::vector<Conv2dGeometry> assorted() {
  return {square(9, 14, 24, 3, 1, 1, 1, 1, 3), square(9, 15, 19, 3, 2, 1, 1, 1, 3),
          square(12, 13, 33, 5, 1, 2, 2, 1, 3)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector) {
  check_everywhere(testing::around_every_vector());
}

BOOST_AUTO_TEST_CASE(three_by_three_of_every_width) {
  check_everywhere(testing::three_by_three_of_every_width());
}

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) {
  check_everywhere(testing::kernels_strides_and_dilations());
}

BOOST_AUTO_TEST_CASE(kernels_and_strides_that_differ_in_height_and_width) {
  check_everywhere(testing::different_in_height_and_width());
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check_everywhere(testing::windows_wholly_outside_the_image());
}

BOOST_AUTO_TEST_CASE(more_channels_and_columns_than_a_strip_has) {
  check_everywhere({square(4, 47, 397, 3, 1, 1, 1), square(5, 61, 301, 3, 2, 0, 1),
                    square(5, 211, 35, 3, 1, 1, 1), square(7, 47, 301, 5, 1, 2, 2),
                    square(4, 40, 397, 3, 3, 1, 1)});
}

BOOST_AUTO_TEST_CASE(tiny_images) { check_everywhere(testing::tiny_images()); }

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
