// add_u8: sum of two quantized tensors of the same shape, in fixed point.
//
//   y = clamp(((a - a_zero_point) * a_multiplier + (b - b_zero_point) * b_multiplier
//              + 2^(shift - 1)) >> shift) + y_zero_point, quant_min, quant_max)
//
// The multipliers are s_a / s_y and s_b / s_y times 2^shift, rounded to nearest, ties to even, with
// the largest shift in [1, 22] for which both are below 2^15: 15 bits make one 16-bit multiply-add
// instruction do both products, and put the result at most 255 * 2^-shift from the exact sum before
// rounding. >> is an arithmetic shift, so ties round up. (a, b, y: u8; any n; y may be a or b.)
// Normative: add_u8_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace octet::kernels::add_u8 {

struct Params {
  int32_t a_zero_point = 0, b_zero_point = 0;  // 0..255
  int32_t a_multiplier = 0, b_multiplier = 0;  // 0..2^15 - 1
  int32_t shift = 1;                           // 1..22
  OutputRange range;
};

// Largest s_a / s_y (or s_b / s_y) that the fixed-point form can hold: 2^15 - 1 over 2 at shift 1.
inline constexpr float kMaxRatio = 16383.0f;

// Sets multipliers and shift from the scales; all > 0, s_a / s_y and s_b / s_y at most kMaxRatio.
void set_scales(Params& params, float s_a, float s_b, float s_y) noexcept;

void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) noexcept;

}  // namespace octet::kernels::add_u8
