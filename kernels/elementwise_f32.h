// elementwise_f32: what f32 tensors need element by element.
//
// clang-format off
//   add:            y = clamp(a + b, lo, hi)        (y += b: add(y, b, y, n))
//   clamp:          y = clamp(x, lo, hi)            (relu: [0, inf), relu6: [0, 6])
//   clamp_backward: dx = dy where lo < x < hi, else 0 (also for NaN); clamp's input or its output serves as x
//   mul:            y = a * b
//   gate:           y[p, c] = a[p, c] * b[c]
//   scale:          y = x * factor
// clang-format on
//
// Any n, no alignment; the output may be an input. NaN stays NaN. Same bits on every target.
// Normative: elementwise_f32_ref.h.
#pragma once

#include <cstddef>
#include <limits>

namespace octet::kernels::elementwise_f32 {

void add(const float* a, const float* b, float* y, size_t n,
         float lo = -std::numeric_limits<float>::infinity(),
         float hi = std::numeric_limits<float>::infinity()) noexcept;
void clamp(const float* x, float* y, size_t n, float lo, float hi) noexcept;
void clamp_backward(const float* dy, const float* x, float* dx, size_t n, float lo,
                    float hi) noexcept;
void mul(const float* a, const float* b, float* y, size_t n) noexcept;
void gate(const float* a, const float* b, float* y, size_t pixels, size_t channels) noexcept;
void scale(const float* x, float factor, float* y, size_t n) noexcept;

}  // namespace octet::kernels::elementwise_f32
