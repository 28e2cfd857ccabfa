#define BOOST_TEST_MODULE activation_f32
#include "kernels/activation_f32.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/activation_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using ref::activation_f32::Bounded;
using testing::GuardedArray;
using Edge = GuardedArray<float>::Edge;

constexpr float kInf = std::numeric_limits<float>::infinity();

constexpr float kSlope = -0.3f, kAlpha = 1.7f;

struct Curve {
  const char* name;
  void (*run)(const float*, float*, size_t) noexcept;
  Bounded (*reference)(double);
  double at_minus_infinity, at_infinity;
};
const Curve kCurves[] = {
    {"sigmoid", activation_f32::sigmoid, ref::activation_f32::sigmoid, 0, 1},
    {"tanh", activation_f32::tanh, ref::activation_f32::tanh, -1, 1},
    {"gelu", activation_f32::gelu, ref::activation_f32::gelu, 0, kInf},
    {"silu", activation_f32::silu, ref::activation_f32::silu, 0, kInf},
    {"hardsigmoid", activation_f32::hardsigmoid, ref::activation_f32::hardsigmoid, 0, 1},
    {"hardswish", activation_f32::hardswish, ref::activation_f32::hardswish, 0, kInf},
    {"leaky_relu",
     [](const float* x, float* y, size_t n) noexcept {
       activation_f32::leaky_relu(x, y, n, kSlope);
     },
     [](double x) { return ref::activation_f32::leaky_relu(x, kSlope); }, kInf, kInf},
    {"elu",
     [](const float* x, float* y, size_t n) noexcept { activation_f32::elu(x, y, n, kAlpha); },
     [](double x) { return ref::activation_f32::elu(x, kAlpha); }, -kAlpha, kInf},
};

struct Gradient {
  const char* name;
  void (*run)(const float*, const float*, float*, size_t) noexcept;
  Bounded (*reference)(double, double);
  float lo, hi;  // what the first argument can be
};
const Gradient kGradients[] = {
    {"sigmoid", activation_f32::sigmoid_gradient, ref::activation_f32::sigmoid_gradient, 0, 1},
    {"tanh", activation_f32::tanh_gradient, ref::activation_f32::tanh_gradient, -1, 1},
    {"gelu", activation_f32::gelu_gradient, ref::activation_f32::gelu_gradient, -30, 30},
    {"silu", activation_f32::silu_gradient, ref::activation_f32::silu_gradient, -100, 100},
    {"hardsigmoid", activation_f32::hardsigmoid_gradient, ref::activation_f32::hardsigmoid_gradient,
     -5, 5},
    {"hardswish", activation_f32::hardswish_gradient, ref::activation_f32::hardswish_gradient, -5,
     5},
    {"leaky_relu",
     [](const float* x, const float* dy, float* dx, size_t n) noexcept {
       activation_f32::leaky_relu_gradient(x, dy, dx, n, kSlope);
     },
     [](double x, double dy) { return ref::activation_f32::leaky_relu_gradient(x, dy, kSlope); },
     -5, 5},
    {"elu",
     [](const float* x, const float* dy, float* dx, size_t n) noexcept {
       activation_f32::elu_gradient(x, dy, dx, n, kAlpha);
     },
     [](double x, double dy) { return ref::activation_f32::elu_gradient(x, dy, kAlpha); }, -100,
     100},
};

// Every part of the curve: near 0, where results change, and where they underflow.
float random_value(Rng& rng) {
  const float special[] = {0.0f, -0.0f, 3.0f, -3.0f, 1e-30f, -1e-41f, 3e38f, -3e38f};
  const float ranges[] = {1e-3f, 1.0f, 4.0f, 15.0f, 110.0f};
  if (rng.below(8) == 0) return special[rng.below(8)];
  const float range = ranges[rng.below(5)];
  return rng.uniform(-range, range);
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

bool within(float got, Bounded want) { return std::abs(got - want.value) <= want.bound; }

}  // namespace

BOOST_AUTO_TEST_CASE(curves_are_near_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(1);
    for (const Curve& curve : kCurves)
      for (size_t n = 0; n <= 4 * 16 + 1; ++n)
        for (const Edge edge : {Edge::end, Edge::start}) {
          GuardedArray<float> x(n, edge), y(n, edge);
          for (float& v : x) v = random_value(rng);
          curve.run(x.data(), y.data(), n);
          for (size_t i = 0; i < n; ++i)
            BOOST_TEST(within(y[i], curve.reference(x[i])),
                       curve.name << " of " << x[i] << " gives " << y[i] << ", expects "
                                  << curve.reference(x[i]).value);
        }
  });
}

BOOST_AUTO_TEST_CASE(curves_have_the_same_bits_on_every_target) {
  std::vector<float> x{kInf, -kInf, 0.0f, -0.0f};
  for (float v = -120.0f; v <= 120.0f; v += 0.0117f) x.push_back(v);
  Rng rng(4);
  for (int i = 0; i < 10000; ++i) x.push_back(random_value(rng));
  testing::for_each_target([&] {
    std::vector<float> y(x.size());
    const auto check = [&](const char* name, auto run, auto reference) {
      run(x.data(), y.data(), x.size());
      for (size_t i = 0; i < x.size(); ++i)
        BOOST_REQUIRE_MESSAGE(same_bits(y[i], reference(x[i])),
                              name << " of " << x[i] << " gives " << y[i]);
    };
    check("sigmoid", activation_f32::sigmoid, ref::activation_f32::sigmoid_f32);
    check("tanh", activation_f32::tanh, ref::activation_f32::tanh_f32);
    check("gelu", activation_f32::gelu, ref::activation_f32::gelu_f32);
    check("silu", activation_f32::silu, ref::activation_f32::silu_f32);
    for (const float parameter : {-0.3f, 0.01f, 1.7f}) {
      const auto with_parameter = [&](auto run) {
        return [=](const float* from, float* to, size_t n) { run(from, to, n, parameter); };
      };
      check("leaky_relu", with_parameter(activation_f32::leaky_relu),
            [=](float v) { return ref::activation_f32::leaky_relu_f32(v, parameter); });
      check("elu", with_parameter(activation_f32::elu),
            [=](float v) { return ref::activation_f32::elu_f32(v, parameter); });
    }
  });
}

BOOST_AUTO_TEST_CASE(gradients_are_near_the_reference_at_every_size_and_both_edges) {
  testing::for_each_target([] {
    Rng rng(2);
    for (const Gradient& gradient : kGradients)
      for (size_t n = 0; n <= 4 * 16 + 1; ++n)
        for (const Edge edge : {Edge::end, Edge::start}) {
          GuardedArray<float> kept(n, edge), dy(n, edge), dx(n, edge);
          for (float& v : kept) v = rng.uniform(gradient.lo, gradient.hi);
          for (float& v : dy) v = rng.uniform(-2.0f, 2.0f);
          gradient.run(kept.data(), dy.data(), dx.data(), n);
          for (size_t i = 0; i < n; ++i)
            BOOST_TEST(within(dx[i], gradient.reference(kept[i], dy[i])),
                       gradient.name << " at " << kept[i] << " times " << dy[i] << " gives "
                                     << dx[i] << ", expects "
                                     << gradient.reference(kept[i], dy[i]).value);
        }
  });
}

BOOST_AUTO_TEST_CASE(every_part_of_the_curves_is_near_the_reference) {
  testing::for_each_target([] {
    std::vector<float> x, y;
    for (float v = -120.0f; v <= 120.0f; v += 0.031f) x.push_back(v);
    y.resize(x.size());
    for (const Curve& curve : kCurves) {
      curve.run(x.data(), y.data(), x.size());
      for (size_t i = 0; i < x.size(); ++i)
        BOOST_REQUIRE_MESSAGE(within(y[i], curve.reference(x[i])),
                              curve.name << " of " << x[i] << " gives " << y[i] << ", expects "
                                         << curve.reference(x[i]).value);
    }
  });
}

BOOST_AUTO_TEST_CASE(nan_stays_and_infinities_have_their_limits) {
  testing::for_each_target([] {
    for (const Curve& curve : kCurves)
      for (size_t n : {1, 16}) {
        std::vector<float> x(n, std::nanf("")), y(n);
        curve.run(x.data(), y.data(), n);
        BOOST_TEST(std::isnan(y[0]), curve.name);
        x.assign(n, -kInf);
        curve.run(x.data(), y.data(), n);
        BOOST_TEST(y[0] == curve.at_minus_infinity, curve.name);
        x.assign(n, kInf);
        curve.run(x.data(), y.data(), n);
        BOOST_TEST(y[0] == curve.at_infinity, curve.name);
      }
  });
}

BOOST_AUTO_TEST_CASE(hard_gradients_have_the_bounds_of_pytorch) {
  testing::for_each_target([] {
    const float x[] = {-3.5f, -3.0f, 3.0f, 3.5f}, dy[] = {1, 1, 1, 1};
    float dx[4];
    activation_f32::hardsigmoid_gradient(x, dy, dx, 4);
    for (float v : dx) BOOST_TEST(v == 0.0f);
    activation_f32::hardswish_gradient(x, dy, dx, 4);
    BOOST_TEST(dx[0] == 0.0f);
    BOOST_TEST(dx[1] == -0.5f);
    BOOST_TEST(dx[2] == 1.5f);
    BOOST_TEST(dx[3] == 1.0f);
  });
}

BOOST_AUTO_TEST_CASE(at_0_the_gradient_is_that_from_below) {
  testing::for_each_target([] {
    const float x[] = {0.0f, -0.0f}, dy[] = {2, 2};
    float dx[2];
    activation_f32::leaky_relu_gradient(x, dy, dx, 2, 0.25f);
    for (float v : dx) BOOST_TEST(v == 0.5f);
    activation_f32::elu_gradient(x, dy, dx, 2, 1.5f);
    for (float v : dx) BOOST_TEST(v == 3.0f);
  });
}

BOOST_AUTO_TEST_CASE(a_result_does_not_depend_on_its_place_and_may_be_an_input) {
  testing::for_each_target([] {
    Rng rng(3);
    const size_t n = 53;
    std::vector<float> x(n), y(n), dy(n, 0.7f);
    for (float& v : x) v = rng.uniform(-4.0f, 4.0f);
    for (const Curve& curve : kCurves) {
      curve.run(x.data(), y.data(), n);
      for (size_t i = 0; i < n; ++i) {
        float alone = x[i];
        curve.run(&alone, &alone, 1);
        BOOST_TEST(alone == y[i], curve.name);
      }
    }
    for (const Gradient& gradient : kGradients) {
      gradient.run(x.data(), dy.data(), y.data(), n);
      std::vector<float> dx = dy;
      gradient.run(x.data(), dx.data(), dx.data(), n);
      BOOST_TEST((dx == y), gradient.name);
    }
  });
}

BOOST_AUTO_TEST_CASE(exponentials_and_their_sum_are_near_the_reference) {
  testing::for_each_target([] {
    Rng rng(4);
    for (size_t n = 1; n <= 4 * 16 + 1; ++n)
      for (const Edge edge : {Edge::end, Edge::start}) {
        GuardedArray<float> x(n, edge), y(n, edge);
        for (float& v : x) v = 100.0f + rng.uniform(-9.0f, 9.0f) * (rng.below(4) ? 1.0f : 20.0f);
        float max = x[0];
        for (float v : x) max = std::max(max, v);
        const activation_f32::ExpSum got = activation_f32::exp_sum(x.data(), y.data(), n);
        double sum = 0, bound = 0;
        for (size_t i = 0; i < n; ++i) {
          const Bounded want = ref::activation_f32::exp_below(x[i], max);
          BOOST_TEST(within(y[i], want), "exp of " << x[i] - max << " gives " << y[i]);
          sum += want.value;
          bound += want.bound;
        }
        BOOST_TEST(got.max == max);
        std::vector<float> e(n);
        BOOST_TEST(same_bits(got.sum, ref::activation_f32::exp_sum_f32(x.data(), e.data(), n)));
        for (size_t i = 0; i < n; ++i) BOOST_TEST(same_bits(y[i], e[i]));
        BOOST_TEST(std::abs(got.sum - sum) <= bound + static_cast<double>(n) * 0x1p-24 * sum);
        activation_f32::softmax(x.data(), y.data(), n);
        ref::activation_f32::softmax_f32(x.data(), e.data(), n);
        for (size_t i = 0; i < n; ++i) BOOST_TEST(same_bits(y[i], e[i]));
      }
  });
}

BOOST_AUTO_TEST_CASE(a_nan_or_an_infinity_makes_the_sum_nan) {
  testing::for_each_target([] {
    for (size_t n : {1, 5, 40})
      for (size_t i = 0; i < n; ++i)
        for (float bad : {std::nanf(""), kInf}) {
          std::vector<float> x(n, 1.0f);
          x[i] = bad;
          BOOST_TEST(std::isnan(activation_f32::exp_sum(x.data(), x.data(), n).sum));
        }
  });
}

}  // namespace octet::kernels
