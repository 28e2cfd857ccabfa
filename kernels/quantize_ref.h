// quantize, the specification: the formulas of base/qparams.h, one element at a time.
#pragma once

#include <algorithm>

#include "kernels/quantize.h"

namespace octet::kernels::ref::quantize {

inline uint8_t quantize(float x, const QParams& qparams) {
  return static_cast<uint8_t>(quantize_value(x, 1.0f / qparams.scale, qparams));
}

inline float dequantize(uint8_t q, const QParams& qparams) { return dequantize_value(q, qparams); }

inline uint8_t clamp(uint8_t x, uint8_t quant_min, uint8_t quant_max) {
  return std::clamp(x, quant_min, quant_max);
}

}  // namespace octet::kernels::ref::quantize
