// The scalar specification of conv_f32_dw.h, in double.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/conv_f32_dw.h"

namespace octet::kernels::ref {

struct ConvF32DwValue {
  double dw = 0;
  double magnitude = 0;  // sum |dy x|: what the rounding error is measured against
  double bound = 0;      // largest |f32 result - dw| that the contract allows
};

// The input as the kernel sees it.
inline float value_of(const conv_f32_dw::Input& x, size_t i) {
  return x.f32 ? x.f32[i]
               : static_cast<float>(static_cast<int32_t>(x.u8[i]) - x.zero_point) * x.scale;
}

// One element of dw.
inline ConvF32DwValue conv_f32_dw(const conv_f32_dw::Params& params, size_t o, size_t ky, size_t kx,
                                  size_t c) {
  const Conv2dGeometry& g = params.geometry;
  const size_t channel = o / (g.out_c / g.groups) * (g.in_c / g.groups) + c;
  ConvF32DwValue v;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy) {
      // Positions above and left of the image wrap around and so fail the comparison too.
      const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
      if (iy >= g.in_h) continue;
      for (size_t ox = 0; ox < g.out_w; ++ox) {
        const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
        if (ix >= g.in_w) continue;
        const float x = value_of(params.x, ((n * g.in_h + iy) * g.in_w + ix) * g.in_c + channel);
        const float dy = params.dy[((n * g.out_h + oy) * g.out_w + ox) * g.out_c + o];
        const double product = static_cast<double>(dy) * x;
        v.dw += product;
        v.magnitude += std::abs(product);
      }
    }
  const double pixels = static_cast<double>(g.batch * g.out_h * g.out_w);
  v.bound = 0x1p-24 * ((pixels + 1) * v.magnitude + std::abs(v.dw));
  return v;
}

}  // namespace octet::kernels::ref

namespace octet::kernels {

// Kernel and specification, as templates of tests and benchmarks take them.
struct ConvF32DwKernel {
  using Params = conv_f32_dw::Params;
  static constexpr auto work = conv_f32_dw::work;
  static constexpr auto partials_bytes = conv_f32_dw::partials_bytes;
  static constexpr auto run = conv_f32_dw::run;
  static constexpr auto finish_work = conv_f32_dw::finish_work;
  static constexpr auto finish = conv_f32_dw::finish;
  static constexpr auto reference = ref::conv_f32_dw;
};

}  // namespace octet::kernels
