// The scalar specification of conv_f32_dx.h, in double.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/conv_f32_dx.h"

namespace octet::kernels::ref {

struct ConvF32DxValue {
  double dx = 0;
  double magnitude = 0;  // sum |w dy|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - dx| that the contract allows
};

// One element of dx; weight from params, dy the whole gradient of the output.
inline ConvF32DxValue conv_f32_dx(const conv_f32_dx::Params& params, const float* dy, size_t n,
                                  size_t iy, size_t ix, size_t c) {
  const Conv2dGeometry& g = params.geometry;
  const size_t group_in = g.in_c / g.groups, group_out = g.out_c / g.groups;
  const size_t group = c / group_in;
  ConvF32DxValue v;
  size_t terms = 0;
  for (size_t oy = 0; oy < g.out_h; ++oy)
    for (size_t ky = 0; ky < g.kernel_h; ++ky) {
      if (oy * g.stride_h + ky * g.dilation_h != iy + g.pad_top) continue;
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t kx = 0; kx < g.kernel_w; ++kx) {
          if (ox * g.stride_w + kx * g.dilation_w != ix + g.pad_left) continue;
          for (size_t o = group * group_out; o < (group + 1) * group_out; ++o, ++terms) {
            const float* w = params.weight + ((o * g.kernel_h + ky) * g.kernel_w + kx) * group_in;
            const double product = static_cast<double>(w[c % group_in]) *
                                   dy[((n * g.out_h + oy) * g.out_w + ox) * g.out_c + o];
            v.dx += product;
            v.magnitude += std::abs(product);
          }
        }
    }
  v.bound = 0x1p-24 * (static_cast<double>(terms + 1) * v.magnitude + std::abs(v.dx));
  return v;
}

}  // namespace octet::kernels::ref
