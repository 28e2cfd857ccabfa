// The scalar specification of depthwise_f32.h, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/depthwise_f32.h"

namespace octet::kernels::ref {

struct DepthwiseF32Value {
  double y = 0;          // clamped
  double magnitude = 0;  // |bias| + sum |w x|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - y| that the contract allows
};

// One output element; weight and bias from params, x the whole input.
inline DepthwiseF32Value depthwise_f32(const depthwise_f32::Params& params, const float* x,
                                       size_t n, size_t oy, size_t ox, size_t c) {
  const Conv2dGeometry& g = params.geometry;
  DepthwiseF32Value v;
  v.y = params.bias ? params.bias[c] : 0.0;
  v.magnitude = std::abs(v.y);
  for (size_t ky = 0; ky < g.kernel_h; ++ky) {
    // Positions above and left of the image wrap around and so fail the comparison too.
    const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
    if (iy >= g.in_h) continue;
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
      if (ix >= g.in_w) continue;
      const double product =
          static_cast<double>(params.weight[(c * g.kernel_h + ky) * g.kernel_w + kx]) *
          x[((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c];
      v.y += product;
      v.magnitude += std::abs(product);
    }
  }
  const double taps = static_cast<double>(g.kernel_h * g.kernel_w);
  v.bound = 0x1p-24 * ((taps + 1) * v.magnitude + std::abs(v.y));
  v.y = std::clamp(v.y, double{params.lo}, double{params.hi});
  return v;
}

}  // namespace octet::kernels::ref
