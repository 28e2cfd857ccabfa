// mul_u8: products of quantized tensors.
//
//   run   y[i] = requantize((a[i] - a_zero_point) * (b[i] - b_zero_point))
//   gate  the same with b[c] for every pixel: a, y [pixels, channels], b [channels]
//
// requantize: requantize.h, with multiplier = (s_a * s_b) / s_y, at most kMaxMultiplier: |product|
// <= 255^2, so that no result leaves 32 bits. a, b, y: u8; any size; y may be a or, in run, b.
// Normative: mul_u8_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace octet::kernels::mul_u8 {

inline constexpr float kMaxMultiplier = 32768.0f;

struct Params {
  int32_t a_zero_point = 0, b_zero_point = 0;  // 0..255
  float multiplier = 0;                        // 0..kMaxMultiplier
  OutputRange range;
};

void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) noexcept;
void gate(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t pixels,
          size_t channels) noexcept;

}  // namespace octet::kernels::mul_u8
