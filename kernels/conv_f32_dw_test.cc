#define BOOST_TEST_MODULE conv_f32_dw
#include "kernels/conv_f32_dw.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "kernels/conv_f32_dw_ref.h"
#include "kernels/conv_f32_dw_testing.h"
#include "kernels/conv_grad_testing.h"

namespace octet::kernels {
namespace {

using Layer = testing::ConvF32DwLayer<ConvF32DwKernel>;
constexpr auto check = testing::check_dw<Layer>;

}  // namespace

BOOST_AUTO_TEST_CASE(kernels_strides_dilations_and_uneven_padding) { check(testing::windows()); }

BOOST_AUTO_TEST_CASE(height_and_width_differ_and_windows_lie_outside) {
  check(testing::uneven_windows());
}

BOOST_AUTO_TEST_CASE(groups_see_their_own_channels) { check(testing::grouped()); }

BOOST_AUTO_TEST_CASE(channels_around_the_tile) { check(testing::channels()); }

BOOST_AUTO_TEST_CASE(an_empty_batch_gives_zeros) {
  Layer layer(testing::GradShape{.batch = 0}.geometry());
  testing::for_each_target([&] {
    layer.run_and_finish();
    BOOST_TEST(layer.tasks() == 0u);
    BOOST_TEST(std::count(layer.dw.begin(), layer.dw.end(), 0.0f) == 6 * 9 * 5);
  });
}

BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  testing::check_any_split_of_dw_gives_the_same_bits<Layer>(testing::large_layers());
}

BOOST_AUTO_TEST_CASE(large_layers_of_integers_are_exact) {
  testing::check_dw_of_integers_is_exact<Layer>(testing::large_layers(), 4, 1);
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(testing::GradShape{.in_h = 7, .in_w = 7, .in_c = 16, .out_c = 16}.geometry());
  layer.run_and_finish();
  layer.dy[24 * 16 + 5] = 0.0f;  // in the middle of the first image
  layer.expect();
  BOOST_TEST(layer.mistakes() > 130u);
}

}  // namespace octet::kernels
