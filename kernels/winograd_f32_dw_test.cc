#define BOOST_TEST_MODULE winograd_f32_dw
#include "kernels/winograd_f32_dw.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/conv_f32_dw_testing.h"
#include "kernels/winograd_f32_dw_ref.h"
#include "kernels/winograd_testing.h"

namespace octet::kernels {
namespace {

using testing::three_by_three;

using Layer = testing::ConvF32DwLayer<WinogradF32DwKernel>;
constexpr auto check = testing::check_dw<Layer>;

// Several tasks each, of several steps, and several blocks.
std::vector<Conv2dGeometry> large_layers() {
  return {three_by_three(64, 32, 32, 16, 16), three_by_three(17, 14, 15, 32, 40),
          three_by_three(90, 9, 8, 72, 130)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector_and_block) {
  for (const size_t in_c : {1, 3, 4, 5, 15, 16, 17, 33, 48, 64, 65})
    check({three_by_three(1, 5, 6, in_c, 5)});
  for (const size_t out_c : {1, 3, 4, 5, 15, 16, 17, 24, 33, 64, 65, 129})
    check({three_by_three(1, 5, 3, 4, out_c)});
}

BOOST_AUTO_TEST_CASE(images_of_every_size_and_padding) {
  check(testing::images_of_every_size_and_padding(4, 3));
}

BOOST_AUTO_TEST_CASE(whole_vectors_are_read_in_place_and_at_the_edge) {
  check({three_by_three(2, 12, 13, 16, 16), three_by_three(1, 14, 14, 32, 48, 0, 0)});
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check({three_by_three(2, 2, 3, 16, 5, 5, 6)});
}

BOOST_AUTO_TEST_CASE(a_negative_padding_crops_the_image) {
  Conv2dGeometry g = three_by_three(2, 9, 8, 16, 5, 0, 0);
  g.pad_top = g.pad_left = size_t{0} - 2;
  g.out_h -= 3;
  g.out_w -= 2;
  check({g});
}

BOOST_AUTO_TEST_CASE(steps_of_every_count_of_tiles) {
  for (size_t batch = 1; batch < 31; ++batch) check({three_by_three(batch, 4, 4, 5, 3)});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_zeros) {
  Layer layer(three_by_three(0, 8, 8, 5, 6));
  testing::for_each_target([&] {
    layer.run_and_finish();
    BOOST_TEST(layer.tasks() == 0u);
    BOOST_TEST(std::count(layer.dw.begin(), layer.dw.end(), 0.0f) == 6 * 9 * 5);
  });
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  testing::check_any_split_of_dw_gives_the_same_bits<Layer>(large_layers());
}

// 36: G divides by 6 along each axis, and otherwise by powers of 2.
BOOST_AUTO_TEST_CASE(large_layers_of_integers_are_exact) {
  testing::check_dw_of_integers_is_exact<Layer>(large_layers(), 1, 36);
}

BOOST_AUTO_TEST_CASE(a_nan_reaches_its_own_channels_alone) {
  Layer layer(three_by_three(1, 10, 10, 16, 3));
  layer.x[55 * 16 + 7] = std::numeric_limits<float>::quiet_NaN();
  testing::for_each_target([&] {
    layer.run_and_finish();
    for (size_t i = 0; i < layer.dw.size(); ++i)
      BOOST_TEST(std::isnan(layer.dw[i]) == (i % 16 == 7));
  });
}

BOOST_AUTO_TEST_CASE(supports_three_by_three_alone) {
  testing::check_supports_three_by_three_alone(
      [](const Conv2dGeometry& g) { return winograd_f32_dw::is_supported(g); });
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(three_by_three(1, 7, 7, 16, 16));
  layer.run_and_finish();
  layer.dy[24 * 16 + 5] = 0.0f;  // in the middle of the image
  layer.expect();
  BOOST_TEST(layer.mistakes() > 100u);
}

BOOST_AUTO_TEST_CASE(is_faster_where_products_are_saved_and_sums_pay) {
  const auto is_faster = [](size_t batch, size_t hw, size_t in_c, size_t out_c) {
    return winograd_f32_dw::is_faster(three_by_three(batch, hw, hw, in_c, out_c));
  };
  BOOST_TEST(is_faster(64, 32, 16, 16));
  BOOST_TEST(is_faster(1, 32, 16, 16));
  BOOST_TEST(is_faster(64, 8, 64, 64));
  BOOST_TEST(!is_faster(64, 32, 3, 16));  // transforms of few channels
  BOOST_TEST(!is_faster(64, 2, 64, 64));  // 4 outputs of a tile's 16
  BOOST_TEST(!is_faster(1, 4, 64, 64));   // one tile
  BOOST_TEST(!is_faster(0, 8, 64, 64));
}

}  // namespace octet::kernels
