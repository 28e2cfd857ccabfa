// add_u8_grad: what training needs of add_u8: the real sum's range, and which gradients pass.
//
//   v  = (a - a.zero_point) * a.scale + (b - b.zero_point) * b.scale     f32, four operations
//   range:    least and greatest clamp(v, lo, hi)
//   backward: dx = dy where lo < v < hi and round(v * (1 / y.scale)) + y.zero_point lies in
//             [y.quant_min, y.quant_max], else 0: the gradient of both a and b
//
// a, b: u8 [n]; dy, dx: f32 [n], dx may be dy. Any n, no alignment. round: nearest, ties to even.
// Normative: add_u8_grad_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/qparams.h"

namespace octet::kernels::add_u8_grad {

struct Params {
  QParams a, b, y;
  float lo = -std::numeric_limits<float>::infinity();  // fused activation
  float hi = std::numeric_limits<float>::infinity();
};

struct Range {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
};

Range range(const Params& params, const uint8_t* a, const uint8_t* b, size_t n) noexcept;

void backward(const Params& params, const uint8_t* a, const uint8_t* b, const float* dy, float* dx,
              size_t n) noexcept;

}  // namespace octet::kernels::add_u8_grad
