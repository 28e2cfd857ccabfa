// dynamic_rows, the specification: the formulas of dynamic_rows.h, one row at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

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

// Params: any struct with the fields of dynamic_rows::Params.
template <class Params>
void run(const Params& params, const float* x, float* y) {
  const size_t n = params.inputs;
  for (size_t row = 0; row < params.rows; ++row, x += n) {
    const QParams qparams = row_qparams(x, n);
    const float inv_scale = 1.0f / qparams.scale;
    for (size_t o = 0; o < params.outputs; ++o) {
      int64_t acc = 0;
      for (size_t k = 0; k < n; ++k)
        acc += int64_t{params.weight[o * n + k]} *
               (quantize_value(x[k], inv_scale, qparams) - qparams.zero_point);
      const float scaled = static_cast<float>(acc) * (qparams.scale * params.weight_scale[o]);
      const float v = scaled + params.bias[o];
      *y++ = v < params.lo ? params.lo : v > params.hi ? params.hi : v;
    }
  }
}

}  // namespace octet::kernels::ref::dynamic_rows
