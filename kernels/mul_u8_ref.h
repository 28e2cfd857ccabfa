// mul_u8, the specification: mul_u8.h in scalar code.
#pragma once

#include "kernels/mul_u8.h"

namespace octet::kernels::ref::mul_u8 {

using kernels::mul_u8::Params;

inline uint8_t mul(const Params& params, uint8_t a, uint8_t b) {
  const int32_t product = (a - params.a_zero_point) * (b - params.b_zero_point);
  return requantize(product, params.multiplier, params.range);
}

inline void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = mul(params, a[i], b[i]);
}

inline void gate(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                 size_t pixels, size_t channels) {
  for (size_t p = 0; p < pixels; ++p)
    ref::mul_u8::run(params, a + p * channels, b, y + p * channels, channels);
}

}  // namespace octet::kernels::ref::mul_u8
