// layer_norm_f32, the specification: the formula of layer_norm_f32.h.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/row_sums_ref.h"

namespace octet::kernels::ref::layer_norm_f32 {

struct Statistics {
  float mean, inverse;
};

// From the two sums of a row.
inline float mean_of(float sum, size_t n) { return sum / static_cast<float>(n); }
inline float inverse_of(float squares, size_t n, float eps) {
  return 1.0f / std::sqrt(squares / static_cast<float>(n) + eps);
}

inline Statistics statistics_of(const float* x, size_t n, float eps) {
  const float mean = mean_of(sum_row(n, [&](size_t i) { return x[i]; }), n);
  const float squares = sum_row(n, [&](size_t i) { return (x[i] - mean) * (x[i] - mean); });
  return {mean, inverse_of(squares, n, eps)};
}

// Params: any struct with the fields of layer_norm_f32::Params.
template <class Params>
void run(const Params& params, size_t rows, const float* x, float* y) {
  for (size_t row = 0; row < rows; ++row, x += params.n, y += params.n) {
    const Statistics s = statistics_of(x, params.n, params.eps);
    for (size_t i = 0; i < params.n; ++i)
      y[i] = ((x[i] - s.mean) * s.inverse) * params.weight[i] + params.bias[i];
  }
}

}  // namespace octet::kernels::ref::layer_norm_f32
