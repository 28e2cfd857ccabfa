// quantize, the specification: quantize.h in scalar code.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/quantize.h"

namespace octet::kernels::ref::quantize {

inline uint8_t quantize(float x, const QParams& qparams) {
  const float scaled = x * (1.0f / qparams.scale);
  if (std::isnan(scaled)) return static_cast<uint8_t>(qparams.quant_min);
  // In double, where infinities and values beyond the integers need no special case.
  const double q = static_cast<double>(std::nearbyintf(scaled)) + qparams.zero_point;
  return static_cast<uint8_t>(std::clamp<double>(q, qparams.quant_min, qparams.quant_max));
}

inline float dequantize(uint8_t q, const QParams& qparams) {
  return static_cast<float>(q - qparams.zero_point) * qparams.scale;
}

inline uint8_t clamp(uint8_t x, uint8_t quant_min, uint8_t quant_max) {
  return std::clamp(x, quant_min, quant_max);
}

}  // namespace octet::kernels::ref::quantize
