// layer_norm_f32: rows with mean 0 and variance 1, scaled and shifted.
//
//   mean = sum_i x[i] / n,  var = sum_i (x[i] - mean)^2 / n,  inverse = 1 / sqrt(var + eps)
//   y[i] = (x[i] - mean) * inverse * weight[i] + bias[i]
//
// All in f32, one operation after the other as written, sums in the order of row_sums_ref.h: a
// row's result depends on nothing but itself, and is the same on every target. x, y: f32 [rows, n];
// weight, bias: f32 [n]; n > 0, rows any; y may be x; no alignment needed. Normative:
// layer_norm_f32_ref.h.
#pragma once

#include <cstddef>

namespace octet::kernels::layer_norm_f32 {

struct Params {
  size_t n = 1;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 1e-5f;
};

// statistics: f32 [rows, 2], mean and inverse of each row; or null.
void run(const Params& params, size_t rows, const float* x, float* y, float* statistics) noexcept;

}  // namespace octet::kernels::layer_norm_f32
