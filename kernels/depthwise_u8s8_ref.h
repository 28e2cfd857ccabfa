// depthwise_u8s8, the specification: depthwise_u8s8.h in scalar code.
#pragma once

#include "kernels/depthwise_u8s8.h"

namespace octet::kernels::ref::depthwise_u8s8 {

using kernels::depthwise_u8s8::Params;

// Sums as unsigned: the caller's bound holds for the whole sum, parts of it may wrap.
inline int32_t sum(const Params& params, const uint8_t* x, size_t n, size_t oy, size_t ox,
                   size_t c) {
  const Conv2dGeometry& g = params.geometry;
  uint32_t acc = static_cast<uint32_t>(params.bias[c]);
  for (size_t ky = 0; ky < g.kernel_h; ++ky)
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      // Above and left of the image these wrap to values far beyond in_h and in_w.
      const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
      const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
      if (iy >= g.in_h || ix >= g.in_w) continue;
      const int32_t centred =
          x[((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c] - params.x_zero_point;
      acc +=
          static_cast<uint32_t>(params.weight[(c * g.kernel_h + ky) * g.kernel_w + kx] * centred);
    }
  return static_cast<int32_t>(acc);
}

// Calls f(sum, c) for all outputs in order.
template <class F>
void for_each_sum(const Params& params, const uint8_t* x, const F& f) {
  const Conv2dGeometry& g = params.geometry;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy)
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t c = 0; c < g.in_c; ++c) f(sum(params, x, n, oy, ox, c), c);
}

inline void run(const Params& params, const uint8_t* x, uint8_t* y) {
  for_each_sum(params, x, [&](int32_t acc, size_t c) {
    *y++ = requantize(acc, params.multiplier[c], params.range);
  });
}

inline void run_f32(const Params& params, const uint8_t* x, float* y) {
  for_each_sum(params, x, [&](int32_t acc, size_t c) {
    *y++ = static_cast<float>(acc) * params.multiplier[c];
  });
}

}  // namespace octet::kernels::ref::depthwise_u8s8
