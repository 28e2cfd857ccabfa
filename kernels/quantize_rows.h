// quantize_rows: weights between f32 and s8, a scale for each row, as training does it.
//
// Row o of w [rows, row_size] has a factor f[o] in front (1 where there is none):
//
//   range:      min[o], max[o] of w[o, :]
//   quantize:   q = clamp(round((w * f[o]) * (1 / scale[o])), quant_min, quant_max)
//   dequantize: w = f32(q) * scale[o]
//   backward:   g = dq where round((w * f[o]) * (1 / scale[o])) is in [quant_min, quant_max], else
//   0
//               dw = g * k[o];  g_dot_w[o] = sum g * w;  dq_dot_q[o] = sum dq * q
//
// round: nearest, ties to even; NaN becomes quant_min, and of a row with a NaN min and max are
// unspecified but one of them is NaN. -127 <= quant_min <= quant_max <= 127, scale > 0. Rows are
// the tasks: each function does rows [begin, end). Any row_size, no alignment; dw may be dq.
// Normative: quantize_rows_ref.h. All but the two sums have the same bits on every target; the sums
// are in f32 by lane, then in double: |error| <= (row_size / 4 + 2) * 2^-24 * sum |terms|.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::quantize_rows {

struct Rows {
  const float* w;
  size_t rows, row_size;
  const float* factor = nullptr;  // [rows]; null: all 1
};

struct Grid {
  const float* scale;  // [rows]
  int32_t quant_min, quant_max;
};

void range(const Rows& rows, float* min, float* max, size_t begin, size_t end) noexcept;
void quantize(const Rows& rows, const Grid& grid, int8_t* q, size_t begin, size_t end) noexcept;
void dequantize(const int8_t* q, size_t row_size, const float* scale, float* w, size_t begin,
                size_t end) noexcept;

struct Backward {
  Rows rows;
  Grid grid;
  const float* dq;  // [rows, row_size]
  const float* k;   // [rows]
};
struct Gradients {
  float* dw;         // [rows, row_size]
  double* g_dot_w;   // [rows]
  double* dq_dot_q;  // [rows]
};
void backward(const Backward& backward, const Gradients& gradients, size_t begin,
              size_t end) noexcept;

}  // namespace octet::kernels::quantize_rows
