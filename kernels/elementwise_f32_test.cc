#define BOOST_TEST_MODULE elementwise_f32
#include "kernels/elementwise_f32.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/elementwise_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

constexpr float kInf = std::numeric_limits<float>::infinity();

// The same bits; of a NaN only that it is one, for its sign and payload belong to the CPU.
bool same(float got, float want) {
  if (std::isnan(want)) return std::isnan(got);
  return std::bit_cast<uint32_t>(got) == std::bit_cast<uint32_t>(want);
}

float random_value(Rng& rng) {
  const float special[] = {0.0f, -0.0f, kInf, -kInf, std::nanf(""), 6.0f, 1e-45f, 3e38f};
  return rng.below(4) ? rng.uniform(-10.0f, 10.0f) : special[rng.below(8)];
}

struct Bounds {
  float lo, hi;
};
constexpr Bounds kBounds[] = {
    {-kInf, kInf}, {0.0f, kInf}, {0.0f, 6.0f}, {-0.0f, 6.0f}, {1.0f, 1.0f}};

BOOST_AUTO_TEST_CASE(add_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start})
        for (const Bounds bounds : kBounds) {
          GuardedArray<float> a(n, edge), b(n, edge), y(n, edge);
          for (float& v : a) v = random_value(rng);
          for (float& v : b) v = random_value(rng);
          elementwise_f32::add(a.data(), b.data(), y.data(), n, bounds.lo, bounds.hi);
          for (size_t i = 0; i < n; ++i)
            BOOST_TEST(same(y[i], ref::elementwise_f32::add(a[i], b[i], bounds.lo, bounds.hi)),
                       a[i] << " + " << b[i] << " gives " << y[i]);
        }
  });
}

BOOST_AUTO_TEST_CASE(clamp_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(2);
    for (size_t n = 0; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start})
        for (const Bounds bounds : kBounds) {
          GuardedArray<float> x(n, edge), y(n, edge);
          for (float& v : x) v = random_value(rng);
          elementwise_f32::clamp(x.data(), y.data(), n, bounds.lo, bounds.hi);
          for (size_t i = 0; i < n; ++i)
            BOOST_TEST(same(y[i], ref::elementwise_f32::clamp(x[i], bounds.lo, bounds.hi)),
                       x[i] << " gives " << y[i]);
        }
  });
}

BOOST_AUTO_TEST_CASE(add_without_bounds_keeps_everything) {
  testing::for_each_target([] {
    const std::vector<float> a = {kInf, -kInf, -0.0f, 3e38f, 1.0f},
                             b = {1.0f, 1.0f, -0.0f, 3e38f, 2.0f};
    std::vector<float> y(5);
    elementwise_f32::add(a.data(), b.data(), y.data(), 5);
    for (size_t i = 0; i < 5; ++i) BOOST_TEST(same(y[i], a[i] + b[i]));
  });
}

BOOST_AUTO_TEST_CASE(clamp_backward_equals_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(4);
    for (size_t n = 0; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start})
        for (const Bounds bounds : kBounds) {
          GuardedArray<float> dy(n, edge), x(n, edge), dx(n, edge);
          for (float& v : dy) v = random_value(rng);
          // Inputs equal to a bound among them: there the gradient is 0.
          for (float& v : x)
            v = rng.below(4) ? random_value(rng) : rng.below(2) ? bounds.lo : bounds.hi;
          elementwise_f32::clamp_backward(dy.data(), x.data(), dx.data(), n, bounds.lo, bounds.hi);
          for (size_t i = 0; i < n; ++i)
            BOOST_TEST(same(dx[i], ref::elementwise_f32::clamp_backward(dy[i], x[i], bounds.lo,
                                                                        bounds.hi)),
                       dy[i] << " at " << x[i] << " gives " << dx[i]);
        }
  });
}

BOOST_AUTO_TEST_CASE(clamp_backward_is_the_same_for_input_and_output_of_clamp) {
  testing::for_each_target([] {
    Rng rng(5);
    const size_t n = 1000;
    std::vector<float> dy(n, 1.0f), x(n), y(n), from_x(n), from_y(n);
    for (float& v : x) v = random_value(rng);
    for (const Bounds bounds : kBounds) {
      elementwise_f32::clamp(x.data(), y.data(), n, bounds.lo, bounds.hi);
      elementwise_f32::clamp_backward(dy.data(), x.data(), from_x.data(), n, bounds.lo, bounds.hi);
      elementwise_f32::clamp_backward(dy.data(), y.data(), from_y.data(), n, bounds.lo, bounds.hi);
      BOOST_TEST((from_x == from_y));
    }
  });
}

BOOST_AUTO_TEST_CASE(mul_and_scale_equal_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(6);
    for (size_t n = 0; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start}) {
        GuardedArray<float> a(n, edge), b(n, edge), y(n, edge);
        for (float& v : a) v = random_value(rng);
        for (float& v : b) v = random_value(rng);
        elementwise_f32::mul(a.data(), b.data(), y.data(), n);
        for (size_t i = 0; i < n; ++i)
          BOOST_TEST(same(y[i], ref::elementwise_f32::mul(a[i], b[i])), a[i] << " * " << b[i]);
        const float factor = random_value(rng);
        elementwise_f32::scale(a.data(), factor, y.data(), n);
        for (size_t i = 0; i < n; ++i)
          BOOST_TEST(same(y[i], ref::elementwise_f32::scale(a[i], factor)),
                     a[i] << " * " << factor);
      }
  });
}

BOOST_AUTO_TEST_CASE(gate_is_mul_of_every_pixel) {
  testing::for_each_target([] {
    Rng rng(7);
    for (size_t channels : {0, 1, 15, 16, 40})
      for (size_t pixels : {0, 1, 3}) {
        GuardedArray<float> a(pixels * channels), b(channels), y(pixels * channels);
        for (float& v : a) v = random_value(rng);
        for (float& v : b) v = random_value(rng);
        elementwise_f32::gate(a.data(), b.data(), y.data(), pixels, channels);
        for (size_t i = 0; i < y.size(); ++i)
          BOOST_TEST(same(y[i], ref::elementwise_f32::mul(a[i], b[i % channels])));
      }
  });
}

BOOST_AUTO_TEST_CASE(output_may_be_an_input) {
  testing::for_each_target([] {
    Rng rng(3);
    const size_t n = 53;
    std::vector<float> a(n), b(n), want(n);
    for (float& v : a) v = rng.uniform(-10.0f, 10.0f);
    for (float& v : b) v = rng.uniform(-10.0f, 10.0f);
    for (size_t i = 0; i < n; ++i) want[i] = ref::elementwise_f32::add(a[i], b[i], 0.0f, 6.0f);
    std::vector<float> y = a;
    elementwise_f32::add(y.data(), b.data(), y.data(), n, 0.0f, 6.0f);
    BOOST_TEST((y == want), "y is a");
    y = b;
    elementwise_f32::add(a.data(), y.data(), y.data(), n, 0.0f, 6.0f);
    BOOST_TEST((y == want), "y is b");
    for (size_t i = 0; i < n; ++i) want[i] = ref::elementwise_f32::clamp(a[i], 0.0f, 6.0f);
    elementwise_f32::clamp(a.data(), a.data(), n, 0.0f, 6.0f);
    BOOST_TEST((a == want), "y is x");
    std::vector<float> dx = b;
    for (size_t i = 0; i < n; ++i)
      want[i] = ref::elementwise_f32::clamp_backward(b[i], a[i], 0.0f, 6.0f);
    elementwise_f32::clamp_backward(dx.data(), a.data(), dx.data(), n, 0.0f, 6.0f);
    BOOST_TEST((dx == want), "dx is dy");
    for (size_t i = 0; i < n; ++i) want[i] = b[i] * b[i];
    elementwise_f32::mul(b.data(), b.data(), b.data(), n);
    BOOST_TEST((b == want), "y is a and b");
  });
}

}  // namespace
}  // namespace octet::kernels
