// Which outputs an input position takes part in: plain arithmetic, no SIMD.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "kernels/conv2d_geometry.h"
#include "kernels/depthwise_f32_layout.h"

namespace octet::kernels::depthwise_f32_dx {

// Along one axis, tap first + t * step of output out - t * out_step covers the position, t < count.
// The position `stride` further on has the same taps, of outputs one further on.
struct Reach {
  size_t first, step, count;
  ptrdiff_t out;
  size_t out_step;

  // The t whose outputs exist, j strides further on.
  Span inside(size_t j, size_t outputs) const {
    const ptrdiff_t from_end =
        static_cast<ptrdiff_t>(outputs) - 1 - out - static_cast<ptrdiff_t>(j);
    return taps_inside(from_end, out_step, count, outputs);
  }
  // The j < positions all of whose outputs exist.
  Span inner(size_t positions, size_t outputs) const {
    if (count == 0) return {0, positions};
    const ptrdiff_t limit = static_cast<ptrdiff_t>(positions);
    const ptrdiff_t begin = static_cast<ptrdiff_t>((count - 1) * out_step) - out;
    const ptrdiff_t end = static_cast<ptrdiff_t>(outputs) - out;
    const ptrdiff_t from = std::clamp<ptrdiff_t>(begin, 0, limit);
    return {static_cast<size_t>(from), static_cast<size_t>(std::clamp(end, from, limit))};
  }
};

inline Reach reach(size_t position, size_t pad, size_t stride, size_t dilation, size_t kernel) {
  const size_t common = std::gcd(stride, dilation);
  Reach r{.first = 0, .step = stride / common, .count = 0, .out = 0, .out_step = dilation / common};
  for (; r.first < std::min(r.step, kernel); ++r.first) {
    const ptrdiff_t at =
        static_cast<ptrdiff_t>(position + pad) - static_cast<ptrdiff_t>(r.first * dilation);
    if (at % static_cast<ptrdiff_t>(stride) != 0) continue;
    r.count = (kernel - r.first + r.step - 1) / r.step;
    r.out = at / static_cast<ptrdiff_t>(stride);
    break;
  }
  return r;
}

// With stride 1 the gradient is a depthwise convolution of dy with the kernels turned by 180
// degrees, unless that had negative padding.
inline bool is_forward(const Conv2dGeometry& g) {
  return g.stride_h == 1 && g.stride_w == 1 && g.pad_top <= (g.kernel_h - 1) * g.dilation_h &&
         g.pad_left <= (g.kernel_w - 1) * g.dilation_w;
}

// That convolution. Where there is none it still says what depthwise_f32's Layout asks: channels,
// taps, rows of dx.
inline Conv2dGeometry mirrored(const Conv2dGeometry& g) {
  Conv2dGeometry m = g;
  m.in_h = g.out_h;
  m.in_w = g.out_w;
  m.out_h = g.in_h;
  m.out_w = g.in_w;
  m.stride_h = m.stride_w = 1;
  m.pad_top = is_forward(g) ? (g.kernel_h - 1) * g.dilation_h - g.pad_top : 0;
  m.pad_left = is_forward(g) ? (g.kernel_w - 1) * g.dilation_w - g.pad_left : 0;
  return m;
}

}  // namespace octet::kernels::depthwise_f32_dx
