#define BOOST_TEST_MODULE quantize_rows
#include "kernels/quantize_rows.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/quantize_rows_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;

struct Case {
  size_t rows, row_size;
  bool has_factor;
  int32_t quant_max;
};

constexpr size_t kRows = 3;

// Values within and around the range, ties among them.
float random_weight(Rng& rng, float scale, int32_t quant_max) {
  const auto widest = static_cast<int64_t>(2 * quant_max + 6);
  const float steps = static_cast<float>(rng.integer(-widest, widest)) * 0.5f;
  return rng.below(2) ? steps * scale : rng.uniform(-1.2f, 1.2f) * scale * quant_max;
}

void check(const Case& c, Rng& rng) {
  const size_t n = c.rows * c.row_size;
  GuardedArray<float> w(n, GuardedArray<float>::Edge::end), dq(n, GuardedArray<float>::Edge::end);
  GuardedArray<float> dw(n, GuardedArray<float>::Edge::end);
  GuardedArray<int8_t> q(n, GuardedArray<int8_t>::Edge::end);
  std::vector<float> scale(c.rows), factor(c.rows, 1.0f), k(c.rows), min(c.rows), max(c.rows);
  for (size_t o = 0; o < c.rows; ++o) {
    scale[o] = rng.below(2) ? 0.25f : rng.uniform(0.001f, 2.0f);
    if (c.has_factor) factor[o] = rng.uniform(-2.0f, 2.0f);
    k[o] = rng.uniform(-2.0f, 2.0f);
    for (size_t i = o * c.row_size; i < (o + 1) * c.row_size; ++i) {
      w[i] = random_weight(rng, scale[o], c.quant_max) / factor[o];
      dq[i] = rng.uniform(-1.0f, 1.0f);
    }
  }
  const quantize_rows::Rows rows{w.data(), c.rows, c.row_size,
                                 c.has_factor ? factor.data() : nullptr};
  const quantize_rows::Grid grid{scale.data(), -c.quant_max, c.quant_max};

  quantize_rows::range(rows, min.data(), max.data(), 0, c.rows);
  quantize_rows::quantize(rows, grid, q.data(), 0, c.rows);
  std::vector<double> g_dot_w(c.rows), dq_dot_q(c.rows);
  quantize_rows::backward({rows, grid, dq.data(), k.data()},
                          {dw.data(), g_dot_w.data(), dq_dot_q.data()}, 0, c.rows);
  for (size_t o = 0; o < c.rows; ++o) {
    float least = std::numeric_limits<float>::infinity(), greatest = -least;
    double gw = 0, dqq = 0, gw_size = 0, dqq_size = 0;
    for (size_t i = o * c.row_size; i < (o + 1) * c.row_size; ++i) {
      const int32_t want =
          ref::quantize_rows::quantize(w[i], factor[o], scale[o], -c.quant_max, c.quant_max);
      BOOST_TEST(int{q[i]} == want, "w = " << w[i]);
      const bool passes =
          ref::quantize_rows::passes(w[i], factor[o], scale[o], -c.quant_max, c.quant_max);
      const float g = passes ? dq[i] : 0.0f;
      BOOST_TEST(dw[i] == g * k[o], "w = " << w[i]);
      least = std::min(least, w[i]);
      greatest = std::max(greatest, w[i]);
      gw += double{g} * w[i];
      gw_size += std::abs(double{g} * w[i]);
      dqq += double{dq[i]} * want;
      dqq_size += std::abs(double{dq[i]} * want);
    }
    BOOST_TEST(min[o] == least);
    BOOST_TEST(max[o] == greatest);
    const double terms = (static_cast<double>(c.row_size) / 4 + 2) * 0x1p-24;
    BOOST_TEST(std::abs(g_dot_w[o] - gw) <= terms * gw_size);
    BOOST_TEST(std::abs(dq_dot_q[o] - dqq) <= terms * dqq_size);
  }
  quantize_rows::dequantize(q.data(), c.row_size, scale.data(), dw.data(), 0, c.rows);
  for (size_t i = 0; i < n; ++i)
    BOOST_TEST(dw[i] == static_cast<float>(q[i]) * scale[i / c.row_size]);
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 35; ++n)
      for (const bool has_factor : {false, true})
        for (const int32_t quant_max : {127, 7, 1}) check({kRows, n, has_factor, quant_max}, rng);
    check({2, 1280, true, 127}, rng);
  });
}

BOOST_AUTO_TEST_CASE(nan_is_the_least_integer_and_shows_in_the_range) {
  testing::for_each_target([] {
    for (const size_t at : {size_t{3}, size_t{32}}) {
      std::vector<float> w(33, 1.0f), min(1), max(1);
      w[at] = std::numeric_limits<float>::quiet_NaN();
      const float scale = 0.5f;
      std::vector<int8_t> q(33);
      const quantize_rows::Rows rows{w.data(), 1, w.size()};
      quantize_rows::range(rows, min.data(), max.data(), 0, 1);
      BOOST_TEST((std::isnan(min[0]) || std::isnan(max[0])));
      quantize_rows::quantize(rows, {&scale, -127, 127}, q.data(), 0, 1);
      BOOST_TEST(int{q[at]} == -127);
    }
  });
}

BOOST_AUTO_TEST_CASE(only_the_rows_asked_for_are_written) {
  testing::for_each_target([] {
    const std::vector<float> w(3 * 20, 1.0f), scale(3, 0.5f);
    std::vector<int8_t> q(3 * 20, 99);
    quantize_rows::quantize({w.data(), 3, 20}, {scale.data(), -127, 127}, q.data(), 1, 2);
    for (size_t i = 0; i < q.size(); ++i) BOOST_TEST(int{q[i]} == (i / 20 == 1 ? 2 : 99));
  });
}

}  // namespace octet::kernels
