// elementwise_f32: what f32 tensors need element by element.
//
//   add:   y = clamp(a + b, lo, hi)       clamp: y = clamp(x, lo, hi)  (relu: [0, inf), relu6: [0,
//   6])
//
// Any n, no alignment; y may be an input. NaN stays NaN. Same bits on every target.
// Normative: elementwise_f32_ref.h.
#pragma once

#include <cstddef>

namespace octet::kernels::elementwise_f32 {

void add(const float* a, const float* b, float* y, size_t n, float lo, float hi) noexcept;
void clamp(const float* x, float* y, size_t n, float lo, float hi) noexcept;

}  // namespace octet::kernels::elementwise_f32
