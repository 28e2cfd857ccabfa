// The scalar specification of depthwise_f32_dx.h, in double.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/depthwise_f32_dx.h"

namespace octet::kernels::ref {

struct DepthwiseF32DxValue {
  double dx = 0;
  double magnitude = 0;  // sum |w dy|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - dx| that the contract allows
};

// One element of the gradient; weight from params, dy the whole gradient of the output.
inline DepthwiseF32DxValue depthwise_f32_dx(const depthwise_f32_dx::Params& params, const float* dy,
                                            size_t n, size_t iy, size_t ix, size_t c) {
  const Conv2dGeometry& g = params.geometry;
  DepthwiseF32DxValue v;
  for (size_t ky = 0; ky < g.kernel_h; ++ky) {
    // Windows that begin behind the position wrap around and so fail the comparison too.
    const size_t top = iy + g.pad_top - ky * g.dilation_h, oy = top / g.stride_h;
    if (top % g.stride_h != 0 || oy >= g.out_h) continue;
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      const size_t left = ix + g.pad_left - kx * g.dilation_w, ox = left / g.stride_w;
      if (left % g.stride_w != 0 || ox >= g.out_w) continue;
      const double product =
          static_cast<double>(params.weight[(c * g.kernel_h + ky) * g.kernel_w + kx]) *
          dy[((n * g.out_h + oy) * g.out_w + ox) * g.in_c + c];
      v.dx += product;
      v.magnitude += std::abs(product);
    }
  }
  const double taps = static_cast<double>(g.kernel_h * g.kernel_w);
  v.bound = 0x1p-24 * ((taps + 1) * v.magnitude + std::abs(v.dx));
  return v;
}

}  // namespace octet::kernels::ref
