#define BOOST_TEST_MODULE winograd_u8s8
#include "kernels/winograd_u8s8.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/kernel_testing.h"
#include "kernels/winograd_testing.h"
#include "kernels/winograd_u8s8_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using testing::three_by_three;
using Edge = testing::Edge;

constexpr size_t kTiles[] = {4, 2};

// Integers of a layer: of x, of its zero point, of weights.
struct Values {
  int lo_x = 0, hi_x = 255;
  int32_t x_zero_point = 77;
  int lo_weight = -128, hi_weight = 127;
};

// A layer, its input at an inaccessible page, and what the reference makes of it. The multipliers
// spread random sums over about twice the range of u8.
struct Layer {
  winograd_u8s8::Params params;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  GuardedArray<uint8_t> x;
  std::vector<uint8_t> want;
  Edge edge;

  explicit Layer(const Conv2dGeometry& g, uint64_t seed = 1, const Values& values = {},
                 Edge edge_of_all = Edge::end)
      : weight(g.out_c * g.taps()),
        bias(g.out_c),
        multiplier(g.out_c),
        x(g.batch * g.in_h * g.in_w * g.in_c, edge_of_all),
        want(g.batch * g.out_h * g.out_w * g.out_c),
        edge(edge_of_all) {
    Rng rng(seed);
    testing::fill_integers(weight, rng, values.lo_weight, values.hi_weight);
    testing::fill_integers(bias, rng, -100000, 100000);
    testing::fill_integers(x, rng, values.lo_x, values.hi_x);
    for (float& m : multiplier)
      m = rng.uniform(0.5f, 2.0f) / (64.0f * std::sqrt(static_cast<float>(g.taps())));
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
    params.multiplier = multiplier.data();
    params.x_zero_point = values.x_zero_point;
    params.range = {128, 3, 250};
    make_want();
  }

  void make_want() { ref::conv_u8s8(params, x.data(), want.data()); }

  AlignedBuffer pack() const {
    AlignedBuffer packed(winograd_u8s8::packed_bytes(params));
    std::memset(packed.data(), 0x5A, packed.size());
    winograd_u8s8::pack(params, packed.data());
    return packed;
  }
  size_t tasks() const { return winograd_u8s8::work(params).tasks; }
  // Tasks [begin, end), in a workspace full of rubbish.
  void run(const AlignedBuffer& packed, uint8_t* y, size_t begin, size_t end) const {
    winograd_u8s8::Params running = params;
    running.weight = nullptr, running.bias = nullptr, running.multiplier = nullptr;
    GuardedArray<uint8_t> workspace(align_up(winograd_u8s8::work(running).workspace_bytes));
    std::memset(workspace.data(), 0xA5, workspace.size());
    winograd_u8s8::run(running, packed.data(), x.data(), y, workspace.data(), begin, end);
  }
  // After changes, on every target.
  void check_both_tiles() {
    make_want();
    for (const size_t tile : kTiles) {
      params.tile = tile;
      BOOST_TEST_REQUIRE(winograd_u8s8::fits(params));
      testing::for_each_target([&] {
        BOOST_TEST((result() == want),
                   "tiles of " << tile << " differ from the reference, " << params.geometry);
      });
    }
  }
  // All tasks at once, on the current target.
  std::vector<uint8_t> result() const {
    GuardedArray<uint8_t> y(want.size(), edge);
    run(pack(), y.data(), 0, tasks());
    return {y.begin(), y.end()};
  }
};

// At both edges of memory.
void check(const Conv2dGeometry& g, uint64_t seed = 1, const Values& values = {}) {
  for (const Edge edge : {Edge::end, Edge::start}) Layer(g, seed, values, edge).check_both_tiles();
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_around_every_vector_and_panel_equal_the_reference) {
  uint64_t seed = 0;
  for (size_t in_c = 1; in_c <= 33; ++in_c) check(three_by_three(1, 5, 6, in_c, 5), ++seed);
  for (size_t out_c = 1; out_c <= 34; ++out_c) check(three_by_three(1, 5, 6, 6, out_c), ++seed);
  for (const size_t out_c : {47, 48, 49, 64, 65, 97})
    check(three_by_three(1, 6, 5, 20, out_c), ++seed);
}

BOOST_AUTO_TEST_CASE(images_of_every_size_and_padding_equal_the_reference) {
  for (const Conv2dGeometry& g : testing::images_of_every_size_and_padding(16, 3)) check(g, g.in_h);
}

BOOST_AUTO_TEST_CASE(images_smaller_than_a_tile_equal_the_reference) {
  for (const Conv2dGeometry& g : testing::images_smaller_than_a_tile(32, 5)) check(g);
}

BOOST_AUTO_TEST_CASE(windows_wholly_outside_the_image_equal_the_reference) {
  check(three_by_three(2, 2, 3, 16, 5, 5, 6));
}

BOOST_AUTO_TEST_CASE(a_negative_padding_crops_the_image) {
  check(three_by_three(2, 9, 11, 16, 5, static_cast<size_t>(-1), static_cast<size_t>(-2)));
}

BOOST_AUTO_TEST_CASE(blocks_of_every_count_of_tiles_equal_the_reference) {
  for (size_t batch = 1; batch < 20; ++batch) check(three_by_three(batch, 4, 4, 5, 3), batch);
}

BOOST_AUTO_TEST_CASE(many_channels_equal_the_reference) {
  check(three_by_three(1, 6, 6, 130, 40));
  check(three_by_three(1, 7, 7, 512, 33), 2, {.lo_weight = -60, .hi_weight = 60});
}

BOOST_AUTO_TEST_CASE(an_empty_batch_is_no_work) {
  const Layer layer(three_by_three(0, 8, 8, 8, 8));
  testing::for_each_target([&] { BOOST_TEST(layer.tasks() == 0u); });
}

// Constant images and weights, and multipliers that keep the outputs apart from the ends.
BOOST_AUTO_TEST_CASE(the_largest_sums_stay_exact) {
  for (const int32_t zero_point : {0, 255})
    for (const int x : {0, 255})
      for (const int weight : {-128, 127}) {
        Layer layer(three_by_three(1, 9, 10, 114, 18), 1, {x, x, zero_point, weight, weight});
        const auto taps = static_cast<float>(layer.params.geometry.taps());
        for (float& m : layer.multiplier) m = 100.0f / (128.0f * 255.0f * taps);
        layer.check_both_tiles();
      }
}

// Patches and weights at their ends, by the signs of two rows of B^T and of G: there the factors of
// one position are as large as they get.
BOOST_AUTO_TEST_CASE(the_largest_factors_stay_exact) {
  constexpr int kB[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                            {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
  constexpr int kG[6][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4}, {1, 2, 4}, {1, -2, 4}, {0, 0, 1}};
  for (size_t p = 0; p < 36; ++p)
    for (const int sign : {1, -1}) {
      Layer layer(three_by_three(1, 6, 6, 20, 18, 0, 0), 1);
      for (size_t i = 0; i < layer.x.size(); ++i) {
        const size_t pixel = i / 20;
        layer.x[i] = sign * kB[p / 6][pixel / 6] * kB[p % 6][pixel % 6] > 0 ? 255 : 0;
      }
      for (size_t i = 0; i < layer.weight.size(); ++i) {
        const size_t tap = i / 20 % 9;
        layer.weight[i] = kG[p / 6][tap / 3] * kG[p % 6][tap % 3] > 0 ? -128 : 127;
      }
      for (float& m : layer.multiplier) m = 100.0f / (128.0f * 255.0f * 180.0f);
      layer.check_both_tiles();
    }
}

// Sums that become outputs unscaled, so that an error of one shows.
BOOST_AUTO_TEST_CASE(small_sums_are_exact_to_the_unit) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    Layer layer(three_by_three(2, 10, 9, 24, 20), seed, {74, 80, 77, -2, 2});
    for (int32_t& b : layer.bias) b %= 30;
    for (float& m : layer.multiplier) m = 1.0f;
    layer.check_both_tiles();
  }
}

BOOST_AUTO_TEST_CASE(every_zero_point_and_range_equals_the_reference) {
  for (const int32_t zero_point : {0, 1, 127, 255})
    for (const OutputRange range : {OutputRange{0, 0, 255}, OutputRange{255, 0, 255},
                                    OutputRange{128, 128, 200}, OutputRange{10, 250, 250}}) {
      Layer layer(three_by_three(1, 6, 7, 24, 20), 3, {.x_zero_point = zero_point});
      layer.params.range = range;
      layer.check_both_tiles();
    }
}

// Wholly random layers.
BOOST_AUTO_TEST_CASE(seeded_layers_equal_the_reference) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    const size_t pad = rng.below(3), after = rng.below(3);
    const Conv2dGeometry g = three_by_three(1 + rng.below(3), 3 + rng.below(14), 3 + rng.below(14),
                                            1 + rng.below(80), 1 + rng.below(80), pad, after);
    BOOST_TEST_CONTEXT("seed " << seed)
    check(g, seed, {.x_zero_point = static_cast<int32_t>(rng.below(256))});
  }
}

// Several blocks in a task, several tasks to a block.
BOOST_AUTO_TEST_CASE(any_split_into_tasks_gives_the_same_bits) {
  for (const Conv2dGeometry& g :
       {three_by_three(8, 32, 31, 16, 16), three_by_three(3, 14, 15, 128, 160)}) {
    Layer layer(g);
    for (const size_t tile : kTiles) {
      layer.params.tile = tile;
      testing::for_each_target([&] {
        const AlignedBuffer packed = layer.pack();
        const size_t tasks = layer.tasks();
        BOOST_TEST(tasks > 1u, g);
        std::vector<uint8_t> y(layer.want.size());
        for (size_t task = tasks; task-- > 0;) layer.run(packed, y.data(), task, task + 1);
        BOOST_TEST((y == layer.want), g);
        std::fill(y.begin(), y.end(), uint8_t{0});
        layer.run(packed, y.data(), tasks / 3, tasks);
        layer.run(packed, y.data(), 0, tasks / 3);
        BOOST_TEST((y == layer.want), g);
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(misaligned_output_equals_the_reference) {
  const Layer layer(three_by_three(1, 9, 9, 32, 40));
  testing::for_each_target([&] {
    const AlignedBuffer packed = layer.pack();
    for (size_t shift = 1; shift < 64; shift += 9) {
      std::vector<uint8_t> y(layer.want.size() + shift);
      layer.run(packed, y.data() + shift, 0, layer.tasks());
      BOOST_TEST(std::equal(layer.want.begin(), layer.want.end(), y.begin() + shift));
    }
  });
}

// Layers of one output channel with equal weights and the largest sums that these make.
BOOST_AUTO_TEST_CASE(fits_up_to_sums_that_wrap) {
  const auto fits = [](size_t in_c, int8_t weight, size_t tile) {
    Layer layer(three_by_three(1, 6, 6, in_c, 1), 1, {255, 255, 0, weight, weight});
    layer.params.tile = tile;
    if (!winograd_u8s8::fits(layer.params)) return false;
    layer.multiplier[0] = 100.0f / (128.0f * 255.0f * static_cast<float>(layer.weight.size()));
    layer.make_want();
    testing::for_each_target([&] { BOOST_TEST((layer.result() == layer.want)); });
    return true;
  };
  // 114 * 9 * 128 * 255 < 2^25 < 115 * 9 * 128 * 255
  BOOST_TEST(fits(114, -128, 4));
  BOOST_TEST(!fits(115, -128, 4));
  BOOST_TEST(fits(115, 127, 4));
  BOOST_TEST(!fits(116, 127, 4));
  BOOST_TEST(fits(116, 127, 2));
  BOOST_TEST(fits(1800, -128, 2));
  BOOST_TEST(!fits(1900, -128, 2));
}

BOOST_AUTO_TEST_CASE(supports_three_by_three_alone) {
  testing::check_supports_three_by_three_alone(
      [](const Conv2dGeometry& g) { return winograd_u8s8::is_supported(g); });
}

BOOST_AUTO_TEST_CASE(best_where_products_are_saved_and_sums_fit) {
  const auto best_tile = [](size_t hw, size_t in_c, size_t out_c, int weight) -> size_t {
    const Conv2dGeometry g = three_by_three(1, hw, hw, in_c, out_c);
    const std::vector<int8_t> weights(out_c * g.taps(), static_cast<int8_t>(weight));
    winograd_u8s8::Params params;
    params.geometry = g;
    params.weight = weights.data();
    return winograd_u8s8::best_tile(params);
  };
  testing::for_each_target([&] {
    const Dot dot = current_target().dot;
    const bool portable = dot == Dot::portable && current_target().name != std::string("SCALAR");
    const bool x86 = portable || dot == Dot::vnni;
    BOOST_TEST(best_tile(32, 32, 32, 127) == (x86 ? 4u : 0u));
    BOOST_TEST(best_tile(32, 16, 16, 127) == (portable ? 4u : 0u));
    BOOST_TEST(best_tile(7, 64, 64, 127) == (portable ? 4u : 0u));
    BOOST_TEST(best_tile(2, 64, 64, 127) == (portable ? 2u : 0u));
    BOOST_TEST(best_tile(32, 3, 16, 127) == 0u);  // few channels
    BOOST_TEST(best_tile(1, 64, 64, 127) == 0u);  // one output of a tile
    BOOST_TEST(best_tile(14, 256, 32, 57) == (x86 ? 4u : 0u));
    BOOST_TEST(best_tile(14, 256, 32, 58) == (portable ? 2u : 0u));  // 2304 * 58 * 255 > 2^25
  });
}

}  // namespace octet::kernels
