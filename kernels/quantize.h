// quantize: between f32 and the integers, per tensor.
//
// clang-format off
//   quantize:   q = clamp(round(x * inv_scale) + zero_point, quant_min, quant_max), inv_scale = 1.0f / scale
//   dequantize: x = float(q - zero_point) * scale
//   clamp:      q = clamp(q, quant_min, quant_max)      (relu and relu6 that were not fused)
// clang-format on
//
// round: nearest, ties to even; beyond the integers it saturates; NaN becomes quant_min.
// Any n, no alignment; clamp works in place too, the others don't overlap. Same bits on every
// target. Normative: quantize_ref.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/qparams.h"

namespace octet::kernels::quantize {

// u8: 0 <= quant_min <= quant_max <= 255.
void quantize(const float* x, uint8_t* q, size_t n, const QParams& qparams) noexcept;
void dequantize(const uint8_t* q, float* x, size_t n, const QParams& qparams) noexcept;
void clamp(const uint8_t* x, uint8_t* y, size_t n, uint8_t quant_min, uint8_t quant_max) noexcept;

}  // namespace octet::kernels::quantize
