// The scalar specification of conv_f32.h, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/conv_f32.h"

namespace octet::kernels::ref {

struct ConvF32Value {
  double y = 0;          // clamped
  double magnitude = 0;  // |bias| + sum |w x|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - y| that the contract allows
};

// One output element; weight and bias from params, x the whole input.
inline ConvF32Value conv_f32(const conv_f32::Params& params, const float* x, size_t n, size_t oy,
                             size_t ox, size_t o) {
  const Conv2dGeometry& g = params.geometry;
  const size_t group_in = g.in_c / g.groups;
  const size_t first_c = o / (g.out_c / g.groups) * group_in;
  ConvF32Value v;
  v.y = params.bias ? params.bias[o] : 0.0;
  v.magnitude = std::abs(v.y);
  for (size_t ky = 0; ky < g.kernel_h; ++ky) {
    // Positions above and left of the image wrap around and so fail the comparison too.
    const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
    if (iy >= g.in_h) continue;
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
      if (ix >= g.in_w) continue;
      const float* xp = x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c + first_c;
      const float* wp = params.weight + ((o * g.kernel_h + ky) * g.kernel_w + kx) * group_in;
      for (size_t c = 0; c < group_in; ++c) {
        const double product = static_cast<double>(wp[c]) * xp[c];
        v.y += product;
        v.magnitude += std::abs(product);
      }
    }
  }
  v.bound = 0x1p-24 * (static_cast<double>(g.taps() + 1) * v.magnitude + std::abs(v.y));
  v.y = std::clamp(v.y, double{params.lo}, double{params.hi});
  return v;
}

}  // namespace octet::kernels::ref
