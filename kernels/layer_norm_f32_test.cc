#define BOOST_TEST_MODULE layer_norm_f32
#include "kernels/layer_norm_f32.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/layer_norm_f32_ref.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_has_the_bits_of_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 1; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start}) {
        const size_t rows = n % 4;
        GuardedArray<float> x(rows * n, edge), y(rows * n, edge), weight(n, edge), bias(n, edge);
        testing::fill_floats(x, rng, 2.0f, 5.0f);
        testing::fill_floats(weight, rng);
        testing::fill_floats(bias, rng);
        const layer_norm_f32::Params params{n, weight.data(), bias.data(), 1e-5f};
        std::vector<float> want(rows * n), statistics(2 * rows);
        ref::layer_norm_f32::run(params, rows, x.data(), want.data());
        layer_norm_f32::run(params, rows, x.data(), y.data(), statistics.data());
        for (size_t i = 0; i < rows * n; ++i) BOOST_TEST(y[i] == want[i]);
        for (size_t row = 0; row < rows; ++row) {
          const auto s = ref::layer_norm_f32::statistics_of(x.data() + row * n, n, params.eps);
          BOOST_TEST(statistics[2 * row] == s.mean);
          BOOST_TEST(statistics[2 * row + 1] == s.inverse);
        }
        layer_norm_f32::run(params, rows, x.data(), x.data(), nullptr);
        for (size_t i = 0; i < rows * n; ++i) BOOST_TEST(x[i] == want[i], "in place");
      }
  });
}

// A sum of n terms in 16 parts has at most n / 16 + 4 roundings of 2^-24 of the sum of sizes. With
// m of them: the mean is (m + 1) u max|x| off, so is x - mean, by a rounding of its own more; a
// deviation of d leaves d / deviation of it, and inverse, product, weight and bias round 2 m + 8
// times.
BOOST_AUTO_TEST_CASE(rows_are_near_the_formula_in_double) {
  const size_t n = 768;
  Rng rng(2);
  std::vector<float> x(n), y(n), weight(n), bias(n);
  testing::fill_floats(x, rng, -1.0f, 3.0f);
  testing::fill_floats(weight, rng);
  testing::fill_floats(bias, rng);
  layer_norm_f32::run({n, weight.data(), bias.data(), 1e-12f}, 1, x.data(), y.data(), nullptr);
  double mean = 0, var = 0;
  for (float v : x) mean += double{v} / n;
  for (float v : x) var += (v - mean) * (v - mean) / n;
  const double deviation = std::sqrt(var + 1e-12), m = n / 16 + 4, u = 0x1p-24;
  for (size_t i = 0; i < n; ++i) {
    const double z = (x[i] - mean) / deviation;
    const double bound =
        u * (std::abs(weight[i]) * ((m + 2) * 3 / deviation + (2 * m + 8) * std::abs(z)) +
             std::abs(bias[i]));
    BOOST_TEST(std::abs(y[i] - (z * weight[i] + bias[i])) <= bound);
  }
}

}  // namespace octet::kernels
