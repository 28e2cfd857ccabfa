// The specification of winograd_f32.h: the convolution itself, in double, and the bound on the
// error of the transforms.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "kernels/conv_f32_ref.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_f32_layout.h"

namespace octet::kernels::ref {

// The matrices for m outputs along an axis; row p belongs to position p of the m + 2.
struct WinogradMatrices {
  size_t m = 0, roundings = 0;  // roundings: r in winograd_f32.h
  double a[6][4] = {};          // A
  double b[6][6] = {};          // B^T
  double g[6][3] = {};          // G
};

inline constexpr WinogradMatrices kWinograd4 = {
    .m = 4,
    .roundings = 20,  // B: 2 for each axis, G: 4, A: 3; products 1; products of roundings 1
    .a = {{1, 0, 0, 0}, {1, 1, 1, 1}, {1, -1, 1, -1}, {1, 2, 4, 8}, {1, -2, 4, -8}, {0, 0, 0, 1}},
    .b = {{4, 0, -5, 0, 1, 0},
          {0, -4, -4, 1, 1, 0},
          {0, 4, -4, -1, 1, 0},
          {0, -2, -1, 2, 1, 0},
          {0, 2, -1, -2, 1, 0},
          {0, 4, 0, -5, 0, 1}},
    .g = {{1.0 / 4, 0, 0},
          {-1.0 / 6, -1.0 / 6, -1.0 / 6},
          {-1.0 / 6, 1.0 / 6, -1.0 / 6},
          {1.0 / 24, 1.0 / 12, 1.0 / 6},
          {1.0 / 24, -1.0 / 12, 1.0 / 6},
          {0, 0, 1}}};

inline constexpr WinogradMatrices kWinograd2 = {
    .m = 2,
    .roundings = 12,  // B: 1 for each axis, G: 2, A: 2; and the same two
    .a = {{1, 0}, {1, 1}, {1, -1}, {0, 1}},
    .b = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}},
    .g = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};

// C of winograd_f32.h: by how much the transforms of an axis may enlarge errors of output i that
// weight k takes part in.
inline double winograd_growth(const WinogradMatrices& t, size_t i, size_t k) {
  double growth = 0;
  for (size_t p = 0; p < t.m + 2; ++p) {
    double sum = 0;
    for (size_t s = 0; s < t.m + 2; ++s) sum += std::abs(t.b[p][s]);
    growth += std::abs(t.a[p][i]) * std::abs(t.g[p][k]) * sum;
  }
  return growth;
}

// The largest |x| of channel c in the patch of the tile that begins at output (oy, ox); x(i) is the
// input's element i.
template <class X>
double winograd_largest(const Conv2dGeometry& g, size_t m, const X& x, size_t n, size_t oy,
                        size_t ox, size_t c) {
  double largest = 0;
  for (size_t i = 0; i < m + 2; ++i)
    for (size_t j = 0; j < m + 2; ++j) {
      const size_t iy = oy + i - g.pad_top, ix = ox + j - g.pad_left;
      if (iy >= g.in_h || ix >= g.in_w) continue;
      largest =
          std::max<double>(largest, std::abs(x(((n * g.in_h + iy) * g.in_w + ix) * g.in_c + c)));
    }
  return largest;
}

// One output element; weight (dense) and bias from params, x the whole input.
inline ConvF32Value winograd_f32(const winograd_f32::Params& params, const float* x, size_t n,
                                 size_t oy, size_t ox, size_t o) {
  const Conv2dGeometry& g = params.geometry;
  const WinogradMatrices& t = winograd_f32::tile_of(params) == 4 ? kWinograd4 : kWinograd2;
  const size_t i = oy % t.m, j = ox % t.m;
  double growth[3][3];
  for (size_t ky = 0; ky < 3; ++ky)
    for (size_t kx = 0; kx < 3; ++kx)
      growth[ky][kx] = winograd_growth(t, i, ky) * winograd_growth(t, j, kx);

  conv_f32::Params direct;
  direct.geometry = g;
  direct.weight = params.weight;
  direct.bias = params.bias;
  direct.lo = params.lo;
  direct.hi = params.hi;
  ConvF32Value v = conv_f32(direct, x, n, oy, ox, o);
  v.magnitude = params.bias ? std::abs(params.bias[o]) : 0.0;
  for (size_t c = 0; c < g.in_c; ++c) {
    double sum = 0;
    for (size_t k = 0; k < 9; ++k)
      sum += growth[k / 3][k % 3] * std::abs(params.weight[(o * 9 + k) * g.in_c + c]);
    const auto value = [x](size_t at) { return x[at]; };
    v.magnitude += winograd_largest(g, t.m, value, n, oy - i, ox - j, c) * sum;
  }
  v.bound = 0x1p-24 * static_cast<double>(g.in_c + t.roundings) * v.magnitude;
  return v;
}

}  // namespace octet::kernels::ref
