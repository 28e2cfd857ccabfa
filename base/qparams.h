// Quantization parameters of one activation tensor: real = (q - zero_point) * scale,
// q in [quant_min, quant_max] (inclusive).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace octet {

struct QParams {
  float scale = 1.0f;      // > 0, finite
  int32_t zero_point = 0;  // in [quant_min, quant_max]
  int32_t quant_min = 0;
  int32_t quant_max = 255;

  friend bool operator==(const QParams&, const QParams&) = default;
};

// clamp(round(x * inv_scale) + zero_point, quant_min, quant_max), inv_scale = 1.0f / scale; round:
// nearest, ties to even, in f32. Saturates beyond the integers; NaN gives quant_min. The formula
// for weights and activations alike; everything that quantizes agrees with it.
inline int32_t quantize_value(float x, float inv_scale, const QParams& qparams) {
  const float rounded = std::nearbyintf(x * inv_scale);
  // Bounds that keep the conversion defined and are far outside any quant range; NaN takes the
  // first.
  const float bounded = rounded > -0x1p24f ? std::min(rounded, 0x1p24f) : -0x1p24f;
  return std::clamp(static_cast<int32_t>(bounded) + qparams.zero_point, qparams.quant_min,
                    qparams.quant_max);
}

inline float dequantize_value(int32_t q, const QParams& qparams) {
  return static_cast<float>(q - qparams.zero_point) * qparams.scale;
}

}  // namespace octet
