// The specification of winograd_f32_dw.h: the gradient itself, in double, and the bound on the
// error of the transforms.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/conv_f32_dw_ref.h"
#include "kernels/winograd_f32_dw.h"
#include "kernels/winograd_f32_ref.h"

namespace octet::kernels::ref {

// One element of dw.
inline ConvF32DwValue winograd_f32_dw(const winograd_f32_dw::Params& params, size_t o, size_t ky,
                                      size_t kx, size_t c) {
  const Conv2dGeometry& g = params.geometry;
  const size_t m = kWinograd4.m;
  double growth[4][4];
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < m; ++j)
      growth[i][j] = winograd_growth(kWinograd4, i, ky) * winograd_growth(kWinograd4, j, kx);
  const auto x = [&params](size_t at) { return value_of(params.x, at); };

  ConvF32DwValue v = conv_f32_dw(params, o, ky, kx, c);
  v.magnitude = 0;
  size_t tiles = 0;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; oy += m)
      for (size_t ox = 0; ox < g.out_w; ox += m, ++tiles) {
        double sum = 0;
        for (size_t i = 0; i < std::min(m, g.out_h - oy); ++i)
          for (size_t j = 0; j < std::min(m, g.out_w - ox); ++j)
            sum += growth[i][j] *
                   std::abs(params.dy[((n * g.out_h + oy + i) * g.out_w + ox + j) * g.out_c + o]);
        v.magnitude += winograd_largest(g, m, x, n, oy, ox, c) * sum;
      }
  v.bound = 0x1p-24 * static_cast<double>(tiles + kWinograd4.roundings) * v.magnitude;
  return v;
}

}  // namespace octet::kernels::ref

namespace octet::kernels {

// Kernel and specification, as templates of tests and benchmarks take them.
struct WinogradF32DwKernel {
  using Params = winograd_f32_dw::Params;
  static constexpr auto work = winograd_f32_dw::work;
  static constexpr auto partials_bytes = winograd_f32_dw::partials_bytes;
  static constexpr auto run = winograd_f32_dw::run;
  static constexpr auto finish_work = winograd_f32_dw::finish_work;
  static constexpr auto finish = winograd_f32_dw::finish;
  static constexpr auto reference = ref::winograd_f32_dw;
};

}  // namespace octet::kernels
