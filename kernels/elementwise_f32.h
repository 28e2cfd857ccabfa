// elementwise_f32: what f32 tensors need element by element.
//
//   add:            y = clamp(a + b, lo, hi)
//   clamp:          y = clamp(x, lo, hi)               relu: [0, inf), relu6: [0, 6]
//   clamp_gradient: dx = lo < y < hi ? dy : 0          y: what clamp gave; NaN passes dy, too
//
// Any n, no alignment; results may be inputs. NaN stays NaN. Same bits on every target.
// Normative: elementwise_f32_ref.h.
#pragma once

#include <cstddef>

namespace octet::kernels::elementwise_f32 {

void add(const float* a, const float* b, float* y, size_t n, float lo, float hi) noexcept;
void clamp(const float* x, float* y, size_t n, float lo, float hi) noexcept;
void clamp_gradient(const float* y, const float* dy, float* dx, size_t n, float lo,
                    float hi) noexcept;

}  // namespace octet::kernels::elementwise_f32
