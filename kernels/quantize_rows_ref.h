// quantize_rows, the specification, one element at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/qparams.h"

namespace octet::kernels::ref::quantize_rows {

// clamp(round((w * factor) * (1 / scale)), quant_min, quant_max)
inline int32_t quantize(float w, float factor, float scale, int32_t quant_min, int32_t quant_max) {
  return quantize_value(w * factor, 1.0f / scale, {scale, 0, quant_min, quant_max});
}

// Whether the gradient passes.
inline bool passes(float w, float factor, float scale, int32_t quant_min, int32_t quant_max) {
  const int32_t q = quantize(w, factor, scale, quant_min - 1, quant_max + 1);
  return quant_min <= q && q <= quant_max;
}

}  // namespace octet::kernels::ref::quantize_rows
