// activation_f32, the specification: activation_f32.h in double, and how far f32 may be from it.
//
// u = 2^-24. Bounds count roundings: an operation is 1u of its result, Highway's Exp 4u (2 ulp; it
// promises 1 with fused multiply-adds), its Tanh 8u (4 ulp). tiny: results may underflow.
#pragma once

#include <algorithm>
#include <cmath>

namespace octet::kernels::ref::activation_f32 {

constexpr double kUnit = 0x1p-24, kTiny = 0x1p-126;

struct Bounded {
  double value, bound;
};

// dx = dy * derivative: one product more.
inline Bounded product(double dy, Bounded derivative) {
  const double value = dy * derivative.value;
  return {value, std::abs(dy) * derivative.bound + kUnit * std::abs(value) + kTiny};
}

// e = exp(-|x|) is 4u off; e or 1 over 1 + e has two operations more.
inline Bounded sigmoid(double x) {
  const double y = 1 / (1 + std::exp(-x));
  return {y, 7 * kUnit * y + kTiny};
}

inline Bounded tanh(double x) {
  const double y = std::tanh(x);
  return {y, 8 * kUnit * std::abs(y) + kTiny};
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

// Phi(-|x|) in f32 is exp(-x^2 / 2) t R(t), t = 1 / (1 + p |x|), R of degree 8: the square rounds
// once (u x^2 / 2 of exp), Exp 4u, t 4u times a condition of at most 4, R 5u and 2^-25 by its
// fit, products 2u: less than 28u + x^2 u.
inline Bounded lower_tail(double x) {
  const double tail = std::erfc(std::abs(x) * std::sqrt(0.5)) / 2;
  return {tail, (28 + x * x) * kUnit * tail + kTiny};
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

// x / 3 + 1 / 2: two constants or products, one sum.
inline Bounded hardswish_gradient(double x, double dy) {
  if (x < -3) return {0, 0};
  if (x > 3) return {dy, 0};
  return product(dy, {x / 3 + 0.5, kUnit * (2 * std::abs(x) / 3 + std::abs(x / 3 + 0.5))});
}

// Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi): the density is (8 + x^2)u off, then a product and a sum.
inline Bounded gelu_gradient(double x, double dy) {
  const Bounded p = phi(x);
  const double slope = x * std::exp(-x * x / 2) * std::sqrt(0.5 / std::acos(-1.0));
  const double value = p.value + slope;
  return product(dy, {value, p.bound + (9 + x * x) * kUnit * std::abs(slope) +
                                 kUnit * std::abs(value) + kTiny});
}

// exp(x - max): the difference rounds once.
inline Bounded exp_below(double x, double max) {
  const double y = std::exp(x - max);
  return {y, (4 + (max - x)) * kUnit * y + kTiny};
}

}  // namespace octet::kernels::ref::activation_f32
