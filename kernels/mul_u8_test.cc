#define BOOST_TEST_MODULE mul_u8
#include "kernels/mul_u8.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/mul_u8_ref.h"

namespace octet::kernels {
namespace {

using testing::Edge;
using testing::GuardedArray;

mul_u8::Params random_params(Rng& rng) {
  mul_u8::Params p;
  p.a_zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.b_zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.multiplier = std::exp2(rng.uniform(-14.0f, -4.0f));
  p.range.zero_point = static_cast<int32_t>(rng.integer(0, 255));
  p.range.quant_min = static_cast<int32_t>(rng.integer(0, 64));
  p.range.quant_max = static_cast<int32_t>(rng.integer(128, 255));
  return p;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 2 * 64 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start}) {
        const mul_u8::Params p = random_params(rng);
        GuardedArray<uint8_t> a(n, edge), b(n, edge), y(n, edge);
        testing::fill_integers(a, rng, 0, 255);
        testing::fill_integers(b, rng, 0, 255);
        std::vector<uint8_t> want(n);
        ref::mul_u8::run(p, a.data(), b.data(), want.data(), n);
        mul_u8::run(p, a.data(), b.data(), y.data(), n);
        BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), "n = " << n);
      }
  });
}

BOOST_AUTO_TEST_CASE(gates_equal_the_reference_at_both_edges_and_in_place) {
  testing::for_each_target([] {
    Rng rng(2);
    for (size_t channels : {0, 1, 3, 16, 40, 72, 960, 2048, 2049, 5000})
      for (size_t pixels : {0, 1, 2, 5, 300})
        for (const Edge edge : {Edge::end, Edge::start}) {
          if (channels * pixels > 200000) continue;
          const mul_u8::Params p = random_params(rng);
          GuardedArray<uint8_t> a(pixels * channels, edge), b(channels, edge);
          GuardedArray<uint8_t> y(pixels * channels, edge);
          testing::fill_integers(a, rng, 0, 255);
          testing::fill_integers(b, rng, 0, 255);
          std::vector<uint8_t> want(y.size());
          ref::mul_u8::gate(p, a.data(), b.data(), want.data(), pixels, channels);
          mul_u8::gate(p, a.data(), b.data(), y.data(), pixels, channels);
          BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), pixels << "x" << channels);
          mul_u8::gate(p, a.data(), b.data(), a.data(), pixels, channels);
          BOOST_TEST(std::equal(a.begin(), a.end(), want.begin()), pixels << "x" << channels);
        }
  });
}

BOOST_AUTO_TEST_CASE(every_pair_of_bytes_equals_the_reference) {
  std::vector<uint8_t> a(65536), b(65536), want(65536), y(65536);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<uint8_t>(i);
    b[i] = static_cast<uint8_t>(i >> 8);
  }
  testing::for_each_target([&] {
    Rng rng(3);
    for (int round = 0; round < 8; ++round) {
      mul_u8::Params p = random_params(rng);
      if (round == 0) p.multiplier = mul_u8::kMaxMultiplier, p.a_zero_point = p.b_zero_point = 0;
      if (round == 1) p.multiplier = 0;
      // Many products are ties.
      if (round == 2) p.multiplier = 0.5f;
      ref::mul_u8::run(p, a.data(), b.data(), want.data(), a.size());
      mul_u8::run(p, a.data(), b.data(), y.data(), a.size());
      BOOST_TEST((y == want), "round " << round);
      y = a;
      mul_u8::run(p, y.data(), b.data(), y.data(), y.size());
      BOOST_TEST((y == want), "in place, round " << round);
    }
  });
}

// The reference itself, by hand: (130 - 100) * (40 - 50) * 0.05 = -15.
BOOST_AUTO_TEST_CASE(the_reference_is_the_formula) {
  const mul_u8::Params p{100, 50, 0.05f, {120, 0, 255}};
  BOOST_TEST(ref::mul_u8::mul(p, 130, 40) == 105);
  BOOST_TEST(ref::mul_u8::mul(p, 255, 255) == 255);
  BOOST_TEST(ref::mul_u8::mul(p, 100, 255) == 120);
}

}  // namespace octet::kernels
