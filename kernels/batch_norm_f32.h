// batch_norm_f32: what a training batch norm, with the clamp and the quantization that follow it,
// does over memory. x, y, dy, dx: [rows, channels] dense (an image batch with n, h and w
// flattened).
//
// clang-format off
//   moments:        mean[c] = sum_r x / rows;  var[c] = sum_r (x - mean[c])^2 / rows  (biased);  min[c], max[c]
//   apply:          v = x * scale[c] + shift[c], one fused multiply-add;  y = clamp(v, lo, hi)
//   apply_quantize: y = quantize_value(clamp(v, lo, hi)) of base/qparams.h
//   backward_sums:  sum_g[c] = sum_r g;  sum_gx[c] = sum_r g * (x - mean[c])
//   backward_apply: dx = k1[c] * g + k2[c] * (x - mean[c]) + k3[c]
//   g = dy where lo < v < hi and, with a quantization,
//       quant_min <= round(v * (1 / scale)) + zero_point <= quant_max (PyTorch's fake quantize); else 0
// clang-format on
//
// Each function makes one pass, over row blocks [begin, end); blocks are independent tasks. Their
// number depends on the shape alone and sums are combined in their order, so that threads never
// change a bit. finish_* combines what all blocks left in `partials`.
//
// rows, channels >= 1; no alignment; arrays of channels are not padded. y may be x; dx may be dy or
// x. Everything else does not overlap.
//
// NaN: clamp keeps it, quantization makes quant_min of it, a NaN v gives g = 0. Of a channel with a
// NaN mean and var are NaN, min and max unspecified.
//
// Precision. Given v, the quantization and the choice of g are exact. v itself is fused where the
// target has that instruction (AVX2, AVX-512, NEON), else rounded twice, so that targets differ in
// last bits. Sums are taken of d = x - x[0, c], so that a mean far from 0 costs nothing, in f32
// within a block and in double beyond. With u = 2^-24, K = block_rows(channels) / 8 + 18 and
// e = K u / (1 - K u):
//   |mean error| <= e sum|d| / rows + u |mean|
//   |var error|  <= e sum d^2 / rows + 2 |sum d / rows| a + a^2 + u var,  a = e sum|d| / rows
//   |sum_g error| <= e sum|g| + u |sum_g|;  |sum_gx error| <= e sum|g (x - mean)| + u |sum_gx|
// (derived in batch_norm_f32_ref.h, the specification).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/qparams.h"

namespace octet::kernels::batch_norm_f32 {

struct Input {
  const float* x;
  size_t rows, channels;
};

// Rows of one block (the last has what is left), and how many blocks there are.
size_t block_rows(size_t channels) noexcept;
size_t blocks(size_t rows, size_t channels) noexcept;

// [channels] each.
struct Moments {
  float* mean;
  float* var;            // biased
  float* min = nullptr;  // null: not wanted
  float* max = nullptr;
};

// partials: moments_partials_bytes bytes aligned as floats, shared by all tasks; each block writes
// its part before finish_moments reads all.
size_t moments_partials_bytes(size_t rows, size_t channels) noexcept;
void moments(const Input& input, void* partials, size_t begin, size_t end) noexcept;
void finish_moments(const Input& input, const void* partials, const Moments& moments) noexcept;

// v = x * scale[c] + shift[c], and the activation's bounds. Infinite bounds clamp nothing.
struct Affine {
  const float* scale;  // [channels]; both null: v = x
  const float* shift;
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
};

void apply(const Input& input, const Affine& affine, float* y, size_t begin, size_t end) noexcept;

// 0 <= quant_min <= quant_max <= 255, zero_point among them; scale > 0, it and 1 / scale finite.
void apply_quantize(const Input& input, const Affine& affine, const QParams& qparams, uint8_t* y,
                    size_t begin, size_t end) noexcept;

// Which gradients pass: those whose v neither the clamp nor the quantization cut.
struct Gate {
  Affine affine;
  const QParams* quantize = nullptr;  // as for apply_quantize; null: the clamp alone
};

struct Backward {
  Input input;
  const float* dy;
  Gate gate;
  const float* mean;  // [channels]
};

// partials: backward_partials_bytes bytes, as those of moments.
size_t backward_partials_bytes(size_t rows, size_t channels) noexcept;
void backward_sums(const Backward& backward, void* partials, size_t begin, size_t end) noexcept;
void finish_backward_sums(size_t rows, size_t channels, const void* partials, float* sum_g,
                          float* sum_gx) noexcept;

// The terms of dx, [channels] each: of g, of x - mean, and alone.
struct Terms {
  const float* k1;
  const float* k2;
  const float* k3;
};

void backward_apply(const Backward& backward, const Terms& terms, float* dx, size_t begin,
                    size_t end) noexcept;

}  // namespace octet::kernels::batch_norm_f32
