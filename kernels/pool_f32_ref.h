// pool_f32, the specification: pool_f32.h in scalar code.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/pool_f32.h"

namespace octet::kernels::ref::pool_f32 {

using kernels::pool_f32::Params;

// Calls f(y index, row window, column window, x index of [n, 0, 0, c]) for each output element.
template <class F>
void for_each_output(const Params& params, const F& f) {
  const Conv2dGeometry& g = params.pool.geometry;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy)
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t c = 0; c < g.in_c; ++c)
          f(((n * g.out_h + oy) * g.out_w + ox) * g.in_c + c, params.pool.rows(oy),
            params.pool.columns(ox), n * g.in_h * g.in_w * g.in_c + c);
}

// NaN in the window makes the result NaN; of equal zeros the first stays.
inline void max(const Params& params, const float* x, float* y) {
  const Conv2dGeometry& g = params.pool.geometry;
  for_each_output(params, [&](size_t out, auto rows, auto columns, size_t base) {
    float m = -std::numeric_limits<float>::infinity();
    for (size_t iy = rows.first; iy < rows.last; iy += rows.step)
      for (size_t ix = columns.first; ix < columns.last; ix += columns.step) {
        const float v = x[base + (iy * g.in_w + ix) * g.in_c];
        if (v > m || std::isnan(v)) m = v;
      }
    y[out] = m;
  });
}

// What the sum is multiplied by; a window wholly outside the image averages to 0.
inline float scale(size_t divisor) {
  return divisor == 0 ? 0.0f : 1.0f / static_cast<float>(divisor);
}

inline void avg(const Params& params, const float* x, float* y) {
  const Conv2dGeometry& g = params.pool.geometry;
  for_each_output(params, [&](size_t out, auto rows, auto columns, size_t base) {
    float sum = 0.0f;
    for (size_t iy = rows.first; iy < rows.last; iy += rows.step)
      for (size_t ix = columns.first; ix < columns.last; ix += columns.step)
        sum += x[base + (iy * g.in_w + ix) * g.in_c];
    y[out] = sum * scale(params.pool.divisor(rows, columns));
  });
}

}  // namespace octet::kernels::ref::pool_f32
