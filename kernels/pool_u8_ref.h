// pool_u8, the specification: pool_u8.h in scalar code.
#pragma once

#include <algorithm>

#include "kernels/pool_u8.h"

namespace octet::kernels::ref::pool_u8 {

using kernels::pool_u8::Params;

// Calls f(y index, row window, column window, x index of [n, 0, 0, c]) for each output element of
// the output rows [begin, end), counted through the batch.
template <class F>
void for_each_output(const Params& params, size_t begin, size_t end, const F& f) {
  const Conv2dGeometry& g = params.pool.geometry;
  for (size_t row = begin; row < end; ++row)
    for (size_t ox = 0; ox < g.out_w; ++ox)
      for (size_t c = 0; c < g.in_c; ++c)
        f((row * g.out_w + ox) * g.in_c + c, params.pool.rows(row % g.out_h),
          params.pool.columns(ox), row / g.out_h * g.in_h * g.in_w * g.in_c + c);
}

inline void max(const Params& params, const uint8_t* x, uint8_t* y, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.pool.geometry;
  for_each_output(params, begin, end, [&](size_t out, auto rows, auto columns, size_t base) {
    int32_t m = 0;
    for (size_t iy = rows.first; iy < rows.last; iy += rows.step)
      for (size_t ix = columns.first; ix < columns.last; ix += columns.step)
        m = std::max<int32_t>(m, x[base + (iy * g.in_w + ix) * g.in_c]);
    y[out] = static_cast<uint8_t>(std::clamp(m, params.range.quant_min, params.range.quant_max));
  });
}

// The multiplier of requantize; a window wholly outside the image averages to real 0.
inline float multiplier(const Params& params, size_t divisor) {
  return divisor == 0 ? 0.0f : params.ratio / static_cast<float>(divisor);
}

inline void avg(const Params& params, const uint8_t* x, uint8_t* y, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.pool.geometry;
  for_each_output(params, begin, end, [&](size_t out, auto rows, auto columns, size_t base) {
    int32_t acc = 0;
    for (size_t iy = rows.first; iy < rows.last; iy += rows.step)
      for (size_t ix = columns.first; ix < columns.last; ix += columns.step)
        acc += x[base + (iy * g.in_w + ix) * g.in_c] - params.x_zero_point;
    y[out] = requantize(acc, multiplier(params, params.pool.divisor(rows, columns)), params.range);
  });
}

}  // namespace octet::kernels::ref::pool_u8
