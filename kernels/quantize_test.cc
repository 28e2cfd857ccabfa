#define BOOST_TEST_MODULE quantize
#include "kernels/quantize.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/quantize_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;

QParams random_qparams(Rng& rng) {
  QParams p;
  p.quant_min = static_cast<int32_t>(rng.integer(0, 100));
  p.quant_max = static_cast<int32_t>(rng.integer(p.quant_min, 255));
  p.zero_point = static_cast<int32_t>(rng.integer(p.quant_min, p.quant_max));
  // Every other scale a power of two, so that exact ties occur.
  p.scale = rng.below(2) ? rng.uniform(0.001f, 2.0f) : std::exp2(-float(rng.below(8)));
  return p;
}

// Values within and around the range, ties among them.
float random_value(Rng& rng, const QParams& p) {
  const float steps = static_cast<float>(rng.integer(-800, 800)) * 0.5f;
  return rng.below(2) ? steps * p.scale : rng.uniform(-400.0f, 400.0f) * p.scale;
}

template <class Edge>
void expect_quantized(size_t n, Rng& rng, Edge edge) {
  const QParams p = random_qparams(rng);
  GuardedArray<float> x(n, static_cast<GuardedArray<float>::Edge>(edge));
  GuardedArray<uint8_t> q(n, edge);
  for (float& v : x) v = random_value(rng, p);
  quantize::quantize(x.data(), q.data(), n, p);
  for (size_t i = 0; i < n; ++i)
    BOOST_TEST(int{q[i]} == int{ref::quantize::quantize(x[i], p)}, "x = " << x[i]);
  quantize::dequantize(q.data(), x.data(), n, p);
  for (size_t i = 0; i < n; ++i) BOOST_TEST(x[i] == ref::quantize::dequantize(q[i], p));
}

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 2 * 64 + 1; ++n) {
      expect_quantized(n, rng, GuardedArray<uint8_t>::Edge::end);
      expect_quantized(n, rng, GuardedArray<uint8_t>::Edge::start);
    }
  });
}

BOOST_AUTO_TEST_CASE(saturates_and_makes_quant_min_of_nan_on_every_target) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kMax = std::numeric_limits<float>::max();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const QParams p{0.01f, 100, 3, 250};
  const struct {
    float x;
    int q;
  } cases[] = {{kInf, 250}, {-kInf, 3},    {kMax, 250},   {-kMax, 3},    {nan, 3},
               {-nan, 3},   {2.2e7f, 250}, {-2.2e7f, 3},  {2.1e7f, 250}, {-2.1e7f, 3},
               {0.0f, 100}, {-0.0f, 100},  {1e-45f, 100}, {1.5f, 250},   {-0.97f, 3}};
  testing::for_each_target([&] {
    for (const auto& c : cases) {
      BOOST_TEST(int{ref::quantize::quantize(c.x, p)} == c.q, "reference at " << c.x);
      // In the vectors and in the rest.
      const std::vector<float> x(100, c.x);
      std::vector<uint8_t> q(100);
      quantize::quantize(x.data(), q.data(), x.size(), p);
      BOOST_TEST((q == std::vector<uint8_t>(100, static_cast<uint8_t>(c.q))), "x = " << c.x);
    }
  });
}

BOOST_AUTO_TEST_CASE(rounds_ties_to_even_at_every_tie) {
  const QParams p{0.25f, 7, 0, 255};
  std::vector<float> x(1200);
  std::vector<uint8_t> q(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>(i) - 600) * 0.125f;
  testing::for_each_target([&] {
    quantize::quantize(x.data(), q.data(), x.size(), p);
    for (size_t i = 0; i < x.size(); ++i) {
      const int twice = static_cast<int>(i) - 600;  // x in half steps
      const int below = (twice - (twice & 1)) / 2;
      const int rounded = twice & 1 ? below + (below & 1) : below;
      BOOST_TEST(int{q[i]} == std::clamp(rounded + 7, 0, 255), "half steps: " << twice);
    }
  });
}

BOOST_AUTO_TEST_CASE(dequantizes_every_byte_as_the_reference) {
  std::vector<uint8_t> q(256);
  std::vector<float> x(256);
  for (size_t i = 0; i < q.size(); ++i) q[i] = static_cast<uint8_t>(i);
  testing::for_each_target([&] {
    Rng rng(2);
    for (int round = 0; round < 10; ++round) {
      const QParams p = random_qparams(rng);
      quantize::dequantize(q.data(), x.data(), q.size(), p);
      for (size_t i = 0; i < q.size(); ++i) BOOST_TEST(x[i] == ref::quantize::dequantize(q[i], p));
    }
  });
}

BOOST_AUTO_TEST_CASE(clamps_at_every_size_in_place_and_at_both_edges) {
  testing::for_each_target([] {
    Rng rng(3);
    for (size_t n = 0; n <= 2 * 64 + 1; ++n)
      for (const auto edge :
           {GuardedArray<uint8_t>::Edge::end, GuardedArray<uint8_t>::Edge::start}) {
        const auto lo = static_cast<uint8_t>(rng.integer(0, 255));
        const auto hi = static_cast<uint8_t>(rng.integer(lo, 255));
        GuardedArray<uint8_t> x(n, edge), y(n, edge);
        testing::fill_integers(x, rng, 0, 255);
        std::vector<uint8_t> want(n);
        for (size_t i = 0; i < n; ++i) want[i] = ref::quantize::clamp(x[i], lo, hi);
        quantize::clamp(x.data(), y.data(), n, lo, hi);
        BOOST_TEST(std::equal(y.begin(), y.end(), want.begin()), "n = " << n);
        quantize::clamp(x.data(), x.data(), n, lo, hi);
        BOOST_TEST(std::equal(x.begin(), x.end(), want.begin()), "in place, n = " << n);
      }
  });
}

}  // namespace
}  // namespace octet::kernels
