// add_u8_grad, the specification, one element at a time.
#pragma once

#include <algorithm>

#include "kernels/add_u8_grad.h"

namespace octet::kernels::ref::add_u8_grad {

inline float sum(const kernels::add_u8_grad::Params& p, uint8_t a, uint8_t b) {
  return dequantize_value(a, p.a) + dequantize_value(b, p.b);
}

inline float clamped(const kernels::add_u8_grad::Params& p, uint8_t a, uint8_t b) {
  return std::min(std::max(sum(p, a, b), p.lo), p.hi);
}

inline bool passes(const kernels::add_u8_grad::Params& p, uint8_t a, uint8_t b) {
  const float v = sum(p, a, b);
  const QParams wide{p.y.scale, p.y.zero_point, p.y.quant_min - 1, p.y.quant_max + 1};
  const int32_t q = quantize_value(v, 1.0f / p.y.scale, wide);
  return v > p.lo && v < p.hi && p.y.quant_min <= q && q <= p.y.quant_max;
}

}  // namespace octet::kernels::ref::add_u8_grad
