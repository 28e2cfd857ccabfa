// activation_f32, the specification: activation_f32.h in double, and how far f32 may be from it;
// all but hardsigmoid, hardswish and gradients also to the bit.
//
// u = 2^-24. Bounds count roundings: an operation is 1u of its result, exp 4u. tiny: results may
// underflow.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/row_sums_ref.h"

namespace octet::kernels::ref::activation_f32 {

constexpr double kUnit = 0x1p-24, kTiny = 0x1p-126;

struct Bounded {
  double value, bound;
};

// The bits of sigmoid and tanh, on every target. For x <= 0 with n = round(x / ln 2):
//   r = (x - n * kLn2High) - n * kLn2Low                 the first product and difference are exact
//   rest = r + r^2 * P(r),  power = 2^n                  exp(x) = power * (1 + rest)
// P interpolates (exp(r) - 1 - r) / r^2 in the 5 Chebyshev nodes of |r| <= ln 2 / 2: 1 + rest is
// less than 0.2u and rest less than 0.5u from exp(r) and exp(r) - 1. Adding 1.5 * 2^23 rounds to
// the nearest integer, ties to even, and leaves it in the lowest bits.
constexpr float kRoundingMagic = 0x1.8p23f;
constexpr float kLog2E = 1.44269504f;
constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
constexpr float kExpTail[] = {0.5f, 0x1.5554dcp-3f, 0x1.55551ap-5f, 0x1.120ba2p-7f,
                              0x1.6d113cp-10f};
// The logarithm of 2^-126, rounded up: the least power that is normal.
constexpr float kLeastExponent = -87.33654f;

struct ExpParts {
  float power, rest;
};

inline ExpParts exp_parts(float x) {
  const float bounded = std::max(x, kLeastExponent);
  const float shifted = bounded * kLog2E + kRoundingMagic, n = shifted - kRoundingMagic;
  const float r = (bounded - n * kLn2High) - n * kLn2Low;
  float p = kExpTail[4];
  for (int i = 3; i >= 0; --i) p = p * r + kExpTail[i];
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) + 127;
  return {std::bit_cast<float>(exponent << 23), r + r * r * p};
}

// rest is less than 3u off and at most 0.42 of 1 + rest: with the sum exp is less than 3u off.
inline float exp_negative_f32(float x) {
  if (std::isnan(x)) return x;
  const ExpParts parts = exp_parts(x);
  return x < kLeastExponent ? 0.0f : parts.power + parts.power * parts.rest;
}

// exp(x) - 1 for x <= 0, not NaN.
inline float expm1_negative_f32(float x) {
  const ExpParts parts = exp_parts(x);
  return parts.power * parts.rest + (parts.power - 1.0f);
}

inline float sigmoid_f32(float x) {
  if (std::isnan(x)) return x;
  const float e = exp_negative_f32(-std::abs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

inline float tanh_f32(float x) {
  if (std::isnan(x)) return x;
  const float m = expm1_negative_f32(std::abs(x) * -2.0f);
  return std::copysign(m / (m + 2.0f), x);
}

// Phi(-|x|) = exp(-z^2) erfcx(z) / 2 with z = |x| / sqrt(2). erfcx(z) / t is a polynomial in
// t = 1 / (1 + 0.3 z): interpolated in the 9 Chebyshev nodes of 0 <= z <= 9.6, where exp(-z^2)
// has left the range of f32; relative error 2.4e-8.
constexpr float kErfcx[] = {0.16917450376283272f, 0.17092396978193808f,  0.1469778152096705f,
                            0.2198231461360163f,  -0.10529627744869384f, 0.5620701635073168f,
                            -0.5240180891517117f, 0.4909047244245577f,   -0.13055997634026634f};
constexpr float kErfcxSlope = 0.3f * 0.70710678f;
// Phi is 0 below.
constexpr float kGeluLeast = -20.0f;

inline float gelu_f32(float x) {
  if (std::isnan(x)) return x;
  const float near = std::max(x, kGeluLeast);
  const float t = 1.0f / (1.0f + kErfcxSlope * std::abs(near));
  float r = kErfcx[8];
  for (int i = 7; i >= 0; --i) r = r * t + kErfcx[i];
  const float bell = exp_negative_f32((near * near) * -0.5f);
  const float tail = (0.5f * bell) * (t * r);
  return near * (near < 0.0f ? tail : 1.0f - tail);
}

inline float silu_f32(float x) {
  if (std::isnan(x)) return x;
  return std::max(x, kLeastExponent) * sigmoid_f32(x);
}

inline float leaky_relu_f32(float x, float negative_slope) {
  return x > 0.0f ? x : x * negative_slope;
}

inline float elu_f32(float x, float alpha) {
  if (std::isnan(x) || x > 0.0f) return x;
  return expm1_negative_f32(x) * alpha;
}

// y = exp(x - max(x)); n > 0, none of x NaN.
inline float exp_sum_f32(const float* x, float* y, size_t n) {
  const float max = *std::max_element(x, x + n);
  return sum_row(n, [&](size_t i) { return y[i] = exp_negative_f32(x[i] - max); });
}

inline void softmax_f32(const float* x, float* y, size_t n) {
  const float sum = exp_sum_f32(x, y, n);
  for (size_t i = 0; i < n; ++i) y[i] /= sum;
}

// dx = dy * derivative: one product more.
inline Bounded product(double dy, Bounded derivative) {
  const double value = dy * derivative.value;
  return {value, std::abs(dy) * derivative.bound + kUnit * std::abs(value) + kTiny};
}

// rest is less than 3u off and at most 0.42, e = exp(-|x|) with the sum 3u; e or 1 over 1 + e has
// two operations more. Below 2^-126 it is 0.
inline Bounded sigmoid(double x) {
  const double y = 1 / (1 + std::exp(-x));
  return {y, 7 * kUnit * y + kTiny};
}

// m = exp(-2|x|) - 1 is 3.2u off where n = 0 and less than 3u elsewhere, m / (m + 2) enlarges it by
// at most 1.5 there (less matters for smaller n) and has two operations more.
inline Bounded tanh(double x) {
  const double y = std::tanh(x);
  return {y, 8 * kUnit * std::abs(y) + kTiny};
}

inline Bounded silu(double x) {
  const Bounded s = sigmoid(x);
  const double y = x * s.value;
  return {y, std::abs(x) * s.bound + kUnit * std::abs(y) + kTiny};
}

inline double hardsigmoid_value(double x) { return std::clamp(x + 3, 0.0, 6.0) / 6; }

// x + 3, a constant 1/6, a product.
inline Bounded hardsigmoid(double x) {
  const double y = hardsigmoid_value(x);
  return {y, 3 * kUnit * y + kTiny};
}

inline Bounded hardswish(double x) {
  const double y = x * hardsigmoid_value(x);
  return {y, 4 * kUnit * std::abs(y) + kTiny};
}

inline Bounded leaky_relu(double x, double negative_slope) {
  if (x > 0) return {x, 0};
  const double y = x * negative_slope;
  return {y, kUnit * std::abs(y) + kTiny};
}

// exp(x) - 1 is 3.2u off, as in tanh, and a product.
inline Bounded elu(double x, double alpha) {
  if (x > 0) return {x, 0};
  const double y = alpha * std::expm1(x);
  return {y, 5 * kUnit * std::abs(y) + kTiny};
}

// Phi(-|x|) in f32 is exp(-x^2 / 2) t R(t), t = 1 / (1 + p |x|), R of degree 8: the square rounds
// once (u x^2 / 2 of exp), exp 4u, t 4u times a condition of at most 4, R 8u (a step's roundings
// are at most those at t = 1) and 2^-25 by its fit, products 2u: less than 31u + x^2 u.
inline Bounded lower_tail(double x) {
  const double tail = std::erfc(std::abs(x) * std::sqrt(0.5)) / 2;
  return {tail, (31 + x * x) * kUnit * tail + kTiny};
}

// 1 - tail for positive x.
inline Bounded phi(double x) {
  const Bounded tail = lower_tail(x);
  if (x < 0) return tail;
  return {1 - tail.value, tail.bound + kUnit};
}

inline Bounded gelu(double x) {
  const Bounded p = phi(x);
  const double y = x * p.value;
  return {y, std::abs(x) * p.bound + kUnit * std::abs(y) + kTiny};
}

// y is the kernel's input: exact. 1 - y rounds, and a product.
inline Bounded sigmoid_gradient(double y, double dy) {
  return product(dy, {y * (1 - y), 2 * kUnit * std::abs(y * (1 - y))});
}

// 1 - y^2 as (1 - y)(1 + y): three operations.
inline Bounded tanh_gradient(double y, double dy) {
  return product(dy, {1 - y * y, 3 * kUnit * std::abs(1 - y * y)});
}

inline Bounded hardsigmoid_gradient(double x, double dy) {
  return product(dy, {x > -3 && x < 3 ? 1.0 / 6 : 0, kUnit / 6});
}

// s (1 + x (1 - s)): s is 7u off, 1 - s rounds, and so do a product, a sum and a product.
inline Bounded silu_gradient(double x, double dy) {
  const Bounded s = sigmoid(x);
  const double rest = 1 - s.value, factor = 1 + x * rest;
  const double factor_bound = std::abs(x) * (s.bound + 2 * kUnit * rest) + kUnit * std::abs(factor);
  const double value = s.value * factor;
  return product(
      dy, {value, s.value * factor_bound + std::abs(factor) * s.bound + kUnit * std::abs(value)});
}

// x / 3 + 1 / 2: two constants or products, one sum.
inline Bounded hardswish_gradient(double x, double dy) {
  if (x < -3) return {0, 0};
  if (x > 3) return {dy, 0};
  return product(dy, {x / 3 + 0.5, kUnit * (2 * std::abs(x) / 3 + std::abs(x / 3 + 0.5))});
}

inline Bounded leaky_relu_gradient(double x, double dy, double negative_slope) {
  return x > 0 ? Bounded{dy, 0} : product(dy, {negative_slope, 0});
}

// alpha exp(x): exp 4u, which may underflow before the product.
inline Bounded elu_gradient(double x, double dy, double alpha) {
  if (x > 0) return {dy, 0};
  const double slope = alpha * std::exp(x);
  return product(dy, {slope, 5 * kUnit * std::abs(slope) + (1 + std::abs(alpha)) * kTiny});
}

// Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi): the density is (8 + x^2)u off, then a product and a sum;
// it may underflow before the product.
inline Bounded gelu_gradient(double x, double dy) {
  const Bounded p = phi(x);
  const double slope = x * std::exp(-x * x / 2) * std::sqrt(0.5 / std::acos(-1.0));
  const double value = p.value + slope;
  return product(dy, {value, p.bound + (9 + x * x) * kUnit * std::abs(slope) +
                                 kUnit * std::abs(value) + (1 + std::abs(x)) * kTiny});
}

// exp(x - max): the difference rounds once.
inline Bounded exp_below(double x, double max) {
  const double y = std::exp(x - max);
  return {y, (4 + (max - x)) * kUnit * y + kTiny};
}

}  // namespace octet::kernels::ref::activation_f32
