// dynamic_rows, the specification: the formulas of dynamic_rows.h, one row at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/qparams.h"

namespace octet::kernels::ref::dynamic_rows {

// Of a row whose elements lie in [min, max], one of which is NaN when an element is none of f32.
inline QParams row_qparams(float min, float max) {
  const float lo = std::min(min, 0.0f), hi = std::max(max, 0.0f);
  const float span = (hi - lo) / 255.0f;
  // With such a scale all integers are 0, and every result is NaN.
  if (!std::isfinite(span)) return {std::numeric_limits<float>::quiet_NaN(), 0, 0, 255};
  const float scale = std::max(span, 0x1p-23f);
  const int32_t zero_point = -static_cast<int32_t>(std::nearbyintf(lo / scale));
  return {scale, std::clamp(zero_point, 0, 255), 0, 255};
}

inline QParams row_qparams(const float* x, size_t n) {
  float min = std::numeric_limits<float>::infinity(), max = -min;
  for (size_t k = 0; k < n; ++k) {
    if (!std::isfinite(x[k])) return row_qparams(std::numeric_limits<float>::quiet_NaN(), 0.0f);
    min = std::min(min, x[k]);
    max = std::max(max, x[k]);
  }
  return row_qparams(min, max);
}

// Params: any struct with the fields of dynamic_rows::Params. One row.
template <class Params>
void run_row(const Params& params, const QParams& qparams, const int32_t* q, float* y) {
  const size_t n = params.inputs;
  for (size_t o = 0; o < params.outputs; ++o) {
    int64_t acc = 0;
    for (size_t k = 0; k < n; ++k)
      acc += int64_t{params.weight[o * n + k]} * (q[k] - qparams.zero_point);
    const float scaled = static_cast<float>(acc) * (qparams.scale * params.weight_scale[o]);
    const float v = scaled + params.bias[o];
    y[o] = v < params.lo ? params.lo : v > params.hi ? params.hi : v;
  }
}

template <class Params>
void run(const Params& params, const float* x, float* y) {
  const size_t n = params.inputs;
  std::vector<int32_t> q(n);
  for (size_t row = 0; row < params.rows; ++row, x += n, y += params.outputs) {
    const QParams qparams = row_qparams(x, n);
    for (size_t k = 0; k < n; ++k) q[k] = quantize_value(x[k], 1.0f / qparams.scale, qparams);
    run_row(params, qparams, q.data(), y);
  }
}

template <class Params>
void run_u8(const Params& params, const uint8_t* x, float* y) {
  const size_t n = params.inputs;
  for (size_t row = 0; row < params.rows; ++row, x += n, y += params.outputs)
    run_row(params, params.x, std::vector<int32_t>(x, x + n).data(), y);
}

}  // namespace octet::kernels::ref::dynamic_rows
