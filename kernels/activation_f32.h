// activation_f32: smooth activations of f32 arrays, and what their gradients need.
//
//   sigmoid      y = 1 / (1 + exp(-x))
//   tanh         y = tanh(x)
//   gelu         y = x * Phi(x), Phi(x) = (1 + erf(x / sqrt(2))) / 2
//   silu         y = x * sigmoid(x)
//   hardsigmoid  y = min(max(x + 3, 0), 6) / 6
//   hardswish    y = x * hardsigmoid(x)
//   leaky_relu   y = x > 0 ? x : negative_slope * x
//   elu          y = x > 0 ? x : alpha * (exp(x) - 1)
//
//   NAME_gradient  dx = dy * NAME'(x); from y for sigmoid and tanh, from x for the others.
//                  hardsigmoid' is 0 where x <= -3 or x >= 3, hardswish' where x < -3 and 1 where
//                  x > 3, as in PyTorch 1.13; leaky_relu' and elu' are negative_slope and alpha at
//                  0.
//   exp_sum        y = exp(x - max(x)), and the sum of it: what softmax and its relatives are made
//                  of. The order of the sum: row_sums_ref.h.
//
// Any n, of exp_sum and softmax n > 0; no alignment; results may be inputs. NaN stays NaN. Every
// element's result is the same wherever it stands in the array. All have the same bits on all
// targets, but for the gradients of gelu and hardswish, of which the last bits differ. Normative:
// activation_f32_ref.h (in double, with bounds; all but hardsigmoid and hardswish to the bit).
// negative_slope and alpha are finite.
#pragma once

#include <cstddef>

namespace octet::kernels::activation_f32 {

void sigmoid(const float* x, float* y, size_t n) noexcept;
void tanh(const float* x, float* y, size_t n) noexcept;
void gelu(const float* x, float* y, size_t n) noexcept;
void silu(const float* x, float* y, size_t n) noexcept;
void hardsigmoid(const float* x, float* y, size_t n) noexcept;
void hardswish(const float* x, float* y, size_t n) noexcept;
void leaky_relu(const float* x, float* y, size_t n, float negative_slope) noexcept;
void elu(const float* x, float* y, size_t n, float alpha) noexcept;

void sigmoid_gradient(const float* y, const float* dy, float* dx, size_t n) noexcept;
void tanh_gradient(const float* y, const float* dy, float* dx, size_t n) noexcept;
void gelu_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept;
void silu_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept;
void hardsigmoid_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept;
void hardswish_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept;
void leaky_relu_gradient(const float* x, const float* dy, float* dx, size_t n,
                         float negative_slope) noexcept;
void elu_gradient(const float* x, const float* dy, float* dx, size_t n, float alpha) noexcept;

struct ExpSum {
  float max, sum;
};
ExpSum exp_sum(const float* x, float* y, size_t n) noexcept;
// y = exp(x - max(x)) / sum: each a division.
void softmax(const float* x, float* y, size_t n) noexcept;

}  // namespace octet::kernels::activation_f32
