#define BOOST_TEST_MODULE winograd_f32
#include "kernels/winograd_f32.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/conv_f32_testing.h"
#include "kernels/winograd_f32_ref.h"
#include "kernels/winograd_testing.h"

namespace octet::kernels {
namespace {

using testing::three_by_three;

using Layer =
    testing::ConvF32Layer<winograd_f32::Params, winograd_f32::packed_bytes, winograd_f32::pack,
                          winograd_f32::work, winograd_f32::run, ref::winograd_f32>;
template <size_t kTile>
struct LayerOf : Layer {
  explicit LayerOf(const Conv2dGeometry& g, uint64_t seed, Edge edge = Edge::end)
      : Layer(g, seed, edge) {
    params.tile = kTile;
  }
};

void check_everywhere(const Conv2dGeometry& g) {
  testing::check_everywhere<LayerOf<4>>(g);
  testing::check_everywhere<LayerOf<2>>(g);
}

// Both tile sizes, inside and at the edge, whole vectors of channels and odd ones.
std::vector<Conv2dGeometry> assorted() {
  return {three_by_three(3, 9, 10, 16, 33, 1, 1), three_by_three(3, 7, 6, 5, 17, 1, 1),
          three_by_three(3, 2, 2, 20, 24, 1, 1), three_by_three(2, 12, 13, 32, 16, 0, 2)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector_and_panel) {
  for (const size_t in_c : {1, 3, 4, 5, 8, 15, 16, 17})
    check_everywhere(three_by_three(1, 5, 6, in_c, 5, 1, 1));
  for (const size_t out_c : {1, 3, 4, 5, 15, 16, 17, 24, 25, 32, 33, 65})
    check_everywhere(three_by_three(1, 5, 3, 4, out_c, 1, 1));
}

BOOST_AUTO_TEST_CASE(images_of_every_size_and_padding) {
  for (const Conv2dGeometry& g : testing::images_of_every_size_and_padding(4, 3))
    check_everywhere(g);
}

BOOST_AUTO_TEST_CASE(images_smaller_than_a_tile) {
  for (const Conv2dGeometry& g : testing::images_smaller_than_a_tile(16, 5)) check_everywhere(g);
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image) {
  check_everywhere(three_by_three(2, 2, 3, 16, 5, 5, 6));
}

BOOST_AUTO_TEST_CASE(blocks_of_every_count_of_tiles) {
  for (size_t batch = 1; batch < 31; ++batch) {
    check_everywhere(three_by_three(batch, 4, 4, 5, 3, 1, 1));
    check_everywhere(three_by_three(batch, 1, 1, 5, 40, 1, 1));
  }
}

BOOST_AUTO_TEST_CASE(many_channels_of_a_residual_block) {
  check_everywhere(three_by_three(1, 6, 6, 130, 40, 1, 1));
}

BOOST_AUTO_TEST_CASE(an_empty_batch_writes_nothing) {
  Layer layer(three_by_three(0, 8, 8, 8, 8, 1, 1), 1);
  layer.pack_and_run();
  BOOST_TEST(layer.y.size() == 0u);
}

BOOST_AUTO_TEST_CASE(without_bias_sums_start_from_zero) {
  testing::check_without_bias<LayerOf<4>>(assorted());
  testing::check_without_bias<LayerOf<2>>(assorted());
}

BOOST_AUTO_TEST_CASE(clamps_to_both_ends) {
  testing::check_clamps_to_both_ends<LayerOf<4>>(assorted());
  testing::check_clamps_to_both_ends<LayerOf<2>>(assorted());
}

BOOST_AUTO_TEST_CASE(takes_the_tile_with_fewer_products_unless_told) {
  for (const size_t hw : {2, 8}) {
    const Conv2dGeometry g = three_by_three(1, hw, hw, 16, 16, 1, 1);
    Layer any(g, 10);
    LayerOf<2> two(g, 10);
    LayerOf<4> four(g, 10);
    any.pack_and_run();
    two.pack_and_run();
    four.pack_and_run();
    BOOST_TEST(testing::same_bits(any.result(), two.result()) == (hw == 2));
    BOOST_TEST(testing::same_bits(any.result(), four.result()) == (hw == 8));
  }
}

// Several blocks in a task, several tasks to a block.
BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  testing::check_any_split_gives_the_same_bits<Layer>({three_by_three(4, 32, 31, 16, 16, 1, 1),
                                                       three_by_three(3, 14, 15, 128, 160, 1, 1),
                                                       three_by_three(64, 2, 2, 96, 160, 1, 1)});
  testing::check_any_split_gives_the_same_bits<LayerOf<2>>(
      {three_by_three(3, 7, 7, 160, 200, 1, 1)});
}

BOOST_AUTO_TEST_CASE(an_image_has_the_same_bits_in_any_batch) {
  testing::check_same_bits_in_any_batch<LayerOf<4>>(assorted());
  testing::check_same_bits_in_any_batch<LayerOf<2>>(assorted());
}

// As the gradient of the input reads them: flipped, and input and output channels exchanged.
BOOST_AUTO_TEST_CASE(weights_may_be_a_view_of_others) {
  const Conv2dGeometry g = three_by_three(2, 9, 6, 20, 35, 1, 1);
  Layer dense(g, 3), view(g, 3);
  std::vector<float> other(view.weight.size());  // [in_c, 3, 3, out_c]
  for (size_t o = 0; o < g.out_c; ++o)
    for (size_t k = 0; k < 9; ++k)
      for (size_t c = 0; c < g.in_c; ++c)
        other[(c * 9 + 8 - k) * g.out_c + o] = dense.weight[(o * 9 + k) * g.in_c + c];
  const auto out_c = static_cast<ptrdiff_t>(g.out_c);
  view.params.weight = other.data() + 8 * out_c;
  view.params.weight_strides = {
      .group = 0, .out_c = 1, .kernel_h = -3 * out_c, .kernel_w = -out_c, .in_c = 9 * out_c};
  testing::for_each_target([&] {
    dense.pack_and_run();
    view.pack_and_run();
    BOOST_TEST(testing::same_bits(view.result(), dense.result()));
  });
}

BOOST_AUTO_TEST_CASE(a_nan_reaches_outputs_of_its_own_tile_alone) {
  Layer layer(three_by_three(1, 10, 10, 16, 16, 0, 0), 4);
  layer.x[(1 * 10 + 1) * 16] = std::numeric_limits<float>::quiet_NaN();
  testing::for_each_target([&] {
    layer.pack_and_run();
    for (size_t oy = 0; oy < 8; ++oy)
      for (size_t ox = 0; ox < 8; ++ox)
        BOOST_TEST(std::isfinite(layer.y[(oy * 8 + ox) * 16]) == (oy >= 4 || ox >= 4));
  });
}

// Guards the reference's bound: its matrices are those of the algorithm.
BOOST_AUTO_TEST_CASE(the_matrices_of_the_bound_are_minimal_filtering) {
  for (const ref::WinogradMatrices& t : {ref::kWinograd4, ref::kWinograd2})
    for (size_t i = 0; i < t.m; ++i)
      for (size_t k = 0; k < 3; ++k)
        for (size_t s = 0; s < t.m + 2; ++s) {
          double product = 0;  // of weight k and input s in output i
          for (size_t p = 0; p < t.m + 2; ++p) product += t.a[p][i] * t.g[p][k] * t.b[p][s];
          BOOST_TEST(std::abs(product - (s == i + k ? 1.0 : 0.0)) <= 0x1p-48);
        }
}

// Guards the other tests: the bound is tight enough to notice one missing product.
BOOST_AUTO_TEST_CASE(the_bound_notices_a_missing_product) {
  Layer layer(three_by_three(1, 7, 7, 16, 16, 1, 1), 9);
  layer.pack_and_run();
  layer.weight[5 * 144 + 72] = 0.0f;  // of output channel 5; packed before
  BOOST_TEST(layer.mistakes() > 40u);
}

BOOST_AUTO_TEST_CASE(supports_three_by_three_alone) {
  testing::check_supports_three_by_three_alone(
      [](const Conv2dGeometry& g) { return winograd_f32::is_supported(g); });
}

BOOST_AUTO_TEST_CASE(best_where_products_are_saved_and_weights_pay) {
  const auto best_tile = [](size_t batch, size_t hw, size_t in_c, size_t out_c) {
    return winograd_f32::best_tile(three_by_three(batch, hw, hw, in_c, out_c, 1, 1));
  };
  BOOST_TEST(best_tile(1, 32, 16, 16) == 4u);
  BOOST_TEST(best_tile(1, 2, 64, 64) == 2u);
  BOOST_TEST(best_tile(1, 32, 3, 16) == 0u);    // transforms of few channels
  BOOST_TEST(best_tile(64, 1, 64, 64) == 0u);   // one output of a tile
  BOOST_TEST(best_tile(1, 7, 512, 512) == 2u);  // 38 MB of weights for four tiles: 17 for sixteen
  BOOST_TEST(best_tile(16, 7, 512, 512) == 4u);
  BOOST_TEST(best_tile(1, 4, 512, 512) == 0u);
}

}  // namespace octet::kernels
