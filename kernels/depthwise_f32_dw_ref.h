// The scalar specification of depthwise_f32_dw.h, in double.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/depthwise_f32_dw.h"

namespace octet::kernels::ref {

struct DepthwiseF32DwValue {
  double dw = 0;
  double magnitude = 0;  // sum |x dy|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - dw| that the contract allows
};

// One element of the gradient.
inline DepthwiseF32DwValue depthwise_f32_dw(const depthwise_f32_dw::Params& params, size_t c,
                                            size_t ky, size_t kx) {
  const Conv2dGeometry& g = params.geometry;
  const ConvInput& x = params.x;
  DepthwiseF32DwValue v;
  size_t products = 0;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy) {
      // Positions above and left of the image wrap around and so fail the comparison too.
      const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
      if (iy >= g.in_h) continue;
      for (size_t ox = 0; ox < g.out_w; ++ox) {
        const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
        if (ix >= g.in_w) continue;
        const size_t i = ((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c;
        const double value =
            x.f32 ? double{x.f32[i]} : static_cast<double>(x.u8[i] - x.zero_point) * x.scale;
        const double product = value * params.dy[((n * g.out_h + oy) * g.out_w + ox) * g.in_c + c];
        v.dw += product;
        v.magnitude += std::abs(product);
        ++products;
      }
    }
  const double error = 0x1p-24 * static_cast<double>(products + 4);
  v.bound = error / (1 - error) * v.magnitude;
  return v;
}

}  // namespace octet::kernels::ref
