#define BOOST_TEST_MODULE cost
#include "kernels/cost.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/conv_f32.h"
#include "kernels/conv_u8s8.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_u8s8.h"
#include "kernels/dynamic_rows.h"
#include "kernels/kernel_testing.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_u8s8.h"

namespace octet::kernels {
namespace {

struct Counter {
  std::string name;
  std::function<Cost(const Conv2dGeometry&)> cost;
  bool is_depthwise, is_3x3;  // what it computes at all
};

template <class Params>
Params params_of(const Conv2dGeometry& geometry) {
  Params params;
  params.geometry = geometry;
  return params;
}

template <class Params>
Counter counter(const char* name, Cost (*cost)(const Params&) noexcept, bool is_depthwise = false) {
  return {name, [cost](const Conv2dGeometry& g) { return cost(params_of<Params>(g)); },
          is_depthwise, false};
}

Cost winograd_u8s8_cost(const Conv2dGeometry& geometry, size_t tile) {
  auto params = params_of<winograd_u8s8::Params>(geometry);
  params.tile = tile;
  return winograd_u8s8::cost(params);
}

const std::vector<Counter>& counters() {
  static const std::vector<Counter> all = {
      counter("conv_u8s8", conv_u8s8::cost),
      counter("conv_f32", conv_f32::cost),
      counter("depthwise_u8s8", depthwise_u8s8::cost, true),
      counter("depthwise_f32", depthwise_f32::cost, true),
      {"winograd_f32, 4x4",
       [](const Conv2dGeometry& g) { return winograd_f32::cost({.geometry = g, .tile = 4}); },
       false, true},
      {"winograd_f32, 2x2",
       [](const Conv2dGeometry& g) { return winograd_f32::cost({.geometry = g, .tile = 2}); },
       false, true},
      {"winograd_u8s8, 4x4", [](const Conv2dGeometry& g) { return winograd_u8s8_cost(g, 4); },
       false, true},
      {"winograd_u8s8, 2x2", [](const Conv2dGeometry& g) { return winograd_u8s8_cost(g, 2); },
       false, true},
  };
  return all;
}

Conv2dGeometry same_padded(size_t extent, size_t in_c, size_t out_c, size_t kernel, size_t stride) {
  return {.in_h = extent,
          .in_w = extent,
          .in_c = in_c,
          .out_h = divide_up(extent, stride),
          .out_w = divide_up(extent, stride),
          .out_c = out_c,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = kernel / 2,
          .pad_left = kernel / 2};
}

// Extents and channels around the sizes of tiles and vectors, for that kernel.
std::vector<Conv2dGeometry> layers_of(const Counter& kernel) {
  std::vector<Conv2dGeometry> layers;
  for (const size_t extent : {1, 7, 14, 15, 56})
    for (const size_t channels : {3, 16, 17, 24, 64, 96, 100})
      for (const size_t size : {1, 3, 5})
        for (const size_t stride : {1, 2}) {
          if (kernel.is_3x3 && (size != 3 || stride != 1)) continue;
          Conv2dGeometry g = same_padded(extent, channels, channels, size, stride);
          if (kernel.is_depthwise) g.groups = channels;
          layers.push_back(g);
        }
  return layers;
}

// Each of the layer's extents doubled. Of channels only those that fill vectors: fewer may take
// another layout, which is why that is there.
std::vector<Conv2dGeometry> doubled(const Conv2dGeometry& g, bool is_depthwise) {
  std::vector<Conv2dGeometry> larger(3, g);
  larger[0].batch *= 2;
  larger[1].in_h *= 2, larger[1].out_h *= 2;
  larger[2].in_w *= 2, larger[2].out_w *= 2;
  if (g.in_c < 32) return larger;
  if (is_depthwise) {
    larger.push_back(g);
    larger.back().in_c *= 2, larger.back().out_c *= 2, larger.back().groups *= 2;
  } else {
    larger.insert(larger.end(), 2, g);
    larger[3].in_c *= 2;
    larger[4].out_c *= 2;
  }
  return larger;
}

template <class Body>
void for_each_layer(const Body& body) {
  testing::for_each_target([&] {
    for (const Counter& kernel : counters())
      for (const Conv2dGeometry& g : layers_of(kernel))
        BOOST_TEST_CONTEXT(kernel.name << " of " << g) { body(kernel, g); }
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_larger_layer_never_costs_less) {
  for_each_layer([](const Counter& kernel, const Conv2dGeometry& g) {
    const Cost cost = kernel.cost(g);
    for (const Conv2dGeometry& larger : doubled(g, kernel.is_depthwise)) {
      BOOST_TEST(kernel.cost(larger).slots >= cost.slots, "against " << larger);
      BOOST_TEST(kernel.cost(larger).weight_bytes >= cost.weight_bytes, "against " << larger);
    }
  });
}

// No target multiplies more than 16 numbers in f32, or 64 bytes, in a slot.
BOOST_AUTO_TEST_CASE(no_layer_takes_fewer_slots_than_its_products_fill) {
  for_each_layer([](const Counter& kernel, const Conv2dGeometry& g) {
    if (kernel.is_3x3) return;  // fewer products: its point
    const double per_slot = kernel.name.ends_with("f32") ? 16 : 64;
    const Cost cost = kernel.cost(g);
    BOOST_TEST(cost.slots * per_slot >= static_cast<double>(g.macs()) * (g.pad_top ? 0.0 : 1.0));
    BOOST_TEST(cost.weight_passes >= 1.0);
  });
}

BOOST_AUTO_TEST_CASE(a_tile_that_is_not_full_costs_as_much_as_a_full_one) {
  testing::for_each_target([] {
    const auto slots = [](size_t out_c) {
      return conv_f32::cost({.geometry = same_padded(14, 64, out_c, 1, 1)}).slots;
    };
    BOOST_TEST(slots(65) > slots(64));
    // Vectors of four or more.
    if (std::string(current_target().name) != "SCALAR") BOOST_TEST(slots(61) == slots(64));
  });
}

BOOST_AUTO_TEST_CASE(minimal_filtering_takes_fewer_slots_for_many_channels) {
  testing::for_each_target([] {
    const Conv2dGeometry g = same_padded(28, 128, 128, 3, 1);
    BOOST_TEST(winograd_f32::cost({.geometry = g, .tile = 4}).slots <
               conv_f32::cost({.geometry = g}).slots);
  });
}

// SSE4 has half of AVX2's lanes, and needs a shuffle to bring what it loads into all of them.
BOOST_AUTO_TEST_CASE(pairs_in_all_lanes_take_a_shuffle_without_avx) {
  double sse4 = 0, avx2 = 0;
  testing::for_each_target([&] {
    const double slots = winograd_u8s8_cost(same_padded(28, 128, 128, 3, 1), 4).slots;
    if (current_target().name == std::string("SSE4")) sse4 = slots;
    if (current_target().name == std::string("AVX2")) avx2 = slots;
  });
  if (avx2 != 0) BOOST_TEST(sse4 > 2.5 * avx2);
}

BOOST_AUTO_TEST_CASE(rows_of_a_product_cost_more_when_they_are_more) {
  testing::for_each_target([] {
    dynamic_rows::Params params;
    params.inputs = 256, params.outputs = 128;
    const double one = dynamic_rows::cost(params).slots;
    params.rows = 12;
    BOOST_TEST(dynamic_rows::cost(params).slots > one);
    params.outputs = 256;
    BOOST_TEST(dynamic_rows::cost(params).slots > 2 * one);
  });
}

BOOST_AUTO_TEST_CASE(seconds_are_those_of_the_slower_of_core_and_memory) {
  const Rates rates{
      .slots = 10, .near_bytes = 8, .far_bytes = 2, .cache_bytes = 100, .call_seconds = 0.5};
  BOOST_TEST(estimate_seconds({.slots = 40}, rates) == 4.5);
  // Weights: once from far, twice from near. Activations from near.
  BOOST_TEST(estimate_seconds({.slots = 40, .weight_bytes = 80, .weight_passes = 3}, rates) ==
             40 + 20 + 0.5);
  BOOST_TEST(estimate_seconds({.activation_bytes = 80}, rates) == 10.5);
  // What does not fit comes from far each time.
  BOOST_TEST(estimate_seconds({.weight_bytes = 120, .weight_passes = 2}, rates) == 120.5);
  BOOST_TEST(estimate_seconds({.activation_bytes = 120}, rates) == 60.5);
}

}  // namespace octet::kernels
