#define BOOST_TEST_MODULE add_u8
#include "kernels/add_u8.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "kernels/add_u8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<uint8_t>::Edge;

add_u8::Params random_params(Rng& rng) {
  add_u8::Params p;
  p.a_zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.b_zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.range.zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.range.quant_min = static_cast<int32_t>(rng.integer(0, 64));
  p.range.quant_max = static_cast<int32_t>(rng.integer(128, 255));
  add_u8::set_scales(p, rng.uniform(0.01f, 1.0f), rng.uniform(0.01f, 1.0f),
                     rng.uniform(0.01f, 1.0f));
  return p;
}

void expect_reference(const add_u8::Params& p, size_t n, Rng& rng, Edge edge) {
  GuardedArray<uint8_t> a(n, edge), b(n, edge), y(n, edge);
  testing::fill_integers(a, rng, 0, 255);
  testing::fill_integers(b, rng, 0, 255);
  std::vector<uint8_t> want(n);
  ref::add_u8::run(p, a.data(), b.data(), want.data(), n);
  add_u8::run(p, a.data(), b.data(), y.data(), n);
  BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), "n = " << n);
}

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 4 * 64 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start})
        expect_reference(random_params(rng), n, rng, edge);
  });
}

BOOST_AUTO_TEST_CASE(every_pair_of_bytes_equals_the_reference) {
  std::vector<uint8_t> a(65536), b(65536), want(65536), y(65536);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<uint8_t>(i);
    b[i] = static_cast<uint8_t>(i >> 8);
  }
  testing::for_each_target([&] {
    Rng rng(2);
    for (int round = 0; round < 8; ++round) {
      add_u8::Params p = random_params(rng);
      // The extremes of the multipliers and shifts.
      if (round == 0) p.a_multiplier = p.b_multiplier = 32767, p.shift = 1;
      if (round == 1) p.a_multiplier = p.b_multiplier = 32767, p.shift = 22;
      if (round == 2) p.a_multiplier = p.b_multiplier = 0;
      ref::add_u8::run(p, a.data(), b.data(), want.data(), a.size());
      add_u8::run(p, a.data(), b.data(), y.data(), a.size());
      BOOST_TEST((y == want), "round " << round);
    }
  });
}

BOOST_AUTO_TEST_CASE(output_may_be_an_input) {
  testing::for_each_target([] {
    Rng rng(3);
    for (const size_t n : {1u, 15u, 63u, 65u, 200u}) {
      const add_u8::Params p = random_params(rng);
      std::vector<uint8_t> a(n), b(n), want(n);
      testing::fill_integers(a, rng, 0, 255);
      testing::fill_integers(b, rng, 0, 255);
      ref::add_u8::run(p, a.data(), b.data(), want.data(), n);
      std::vector<uint8_t> y = a;
      add_u8::run(p, y.data(), b.data(), y.data(), n);
      BOOST_TEST((y == want), "y is a, n = " << n);
      y = b;
      add_u8::run(p, a.data(), y.data(), y.data(), n);
      BOOST_TEST((y == want), "y is b, n = " << n);
    }
  });
}

BOOST_AUTO_TEST_CASE(set_scales_takes_the_largest_shift_that_keeps_15_bits) {
  Rng rng(4);
  for (int i = 0; i < 1000; ++i) {
    add_u8::Params p;
    const float s_y = rng.uniform(0.001f, 1.0f);
    const float r_a = std::exp2(rng.uniform(-20.0f, 13.9f));
    const float r_b = std::exp2(rng.uniform(-20.0f, 13.9f));
    add_u8::set_scales(p, r_a * s_y, r_b * s_y, s_y);
    const int32_t larger = std::max(p.a_multiplier, p.b_multiplier);
    BOOST_TEST(larger < 32768);
    BOOST_TEST((p.shift == 22 || larger >= 16383));
    // Half a unit from rounding the multiplier, and two f32 roundings of the ratio.
    const double a = p.a_multiplier / std::exp2(p.shift);
    const double exact = double{r_a * s_y} / s_y;
    BOOST_TEST(std::abs(a - exact) <= std::exp2(-p.shift - 1) + exact * 0x1p-23);
  }
}

BOOST_AUTO_TEST_CASE(set_scales_holds_the_largest_ratio) {
  add_u8::Params p;
  add_u8::set_scales(p, add_u8::kMaxRatio, 1.0f, 1.0f);
  BOOST_TEST(p.shift == 1);
  BOOST_TEST(p.a_multiplier == 32766);
  BOOST_TEST(p.b_multiplier == 2);
}

BOOST_AUTO_TEST_CASE(differs_from_the_real_sum_by_at_most_half_a_step_and_the_multipliers_error) {
  Rng rng(5);
  for (int i = 0; i < 1000; ++i) {
    add_u8::Params p;
    p.a_zero_point = 100, p.b_zero_point = 30, p.range = {90, 0, 255};
    const float s_a = rng.uniform(0.01f, 0.05f), s_b = rng.uniform(0.01f, 0.05f), s_y = 0.05f;
    add_u8::set_scales(p, s_a, s_b, s_y);
    const auto a = static_cast<uint8_t>(rng.below(256)), b = static_cast<uint8_t>(rng.below(256));
    uint8_t y;
    add_u8::run(p, &a, &b, &y, 1);
    const double real = (a - 100) * (double{s_a} / s_y) + (b - 30) * (double{s_b} / s_y) + 90;
    const double clamped = std::clamp(real, 0.0, 255.0);
    // The header's bound, and the f32 rounding of two ratios of at most 1.
    BOOST_TEST(std::abs(y - clamped) <= 0.5 + 255 * std::exp2(-p.shift) + 510 * 0x1p-24);
  }
}

}  // namespace
}  // namespace octet::kernels
