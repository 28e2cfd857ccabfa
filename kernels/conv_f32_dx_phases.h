// How conv_f32_dx becomes convolutions of dy with stride 1: plain arithmetic.
//
// Rows r, r + stride, r + 2 * stride, ... of dx are phase r. Row r + stride * j gets products from
// the ky for which r + pad - ky * dilation is a multiple of the stride, the same for all j, and
// with e = (r + pad - ky * dilation) / stride from row oy = j + e. Taken from the last such ky
// to the first, e grows in equal steps: a convolution of dy with stride 1, the padding -e of the
// last ky and the step as dilation. Columns likewise.
#pragma once

#include <cstddef>
#include <numeric>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_dx.h"

namespace octet::kernels::conv_f32_dx {

// One axis of one phase.
struct PhaseAxis {
  size_t extent = 0;             // rows (columns) of dx; may be 0
  size_t taps = 0;               // of the kernel; 0: no window reaches them, their gradient is 0
  size_t last_tap = 0;           // becomes the first
  size_t tap_step = 1;           // between taps of the kernel
  size_t dilation = 1, pad = 0;  // of the convolution; the padding may be negative, modulo 2^64
};

inline PhaseAxis phase_axis(size_t phase, size_t in, size_t kernel, size_t stride, size_t pad,
                            size_t dilation) {
  const size_t divisor = std::gcd(stride, dilation);
  PhaseAxis a;
  a.extent = in > phase ? (in - phase - 1) / stride + 1 : 0;
  a.tap_step = stride / divisor;
  a.dilation = dilation / divisor;
  for (size_t k = 0; k < kernel; ++k)
    if (k * dilation % stride == (phase + pad) % stride) {
      ++a.taps;
      a.last_tap = k;
    }
  const auto reach = static_cast<ptrdiff_t>(a.last_tap * dilation - phase - pad);
  if (a.taps > 0) a.pad = static_cast<size_t>(reach / static_cast<ptrdiff_t>(stride));
  return a;
}

struct Phase {
  PhaseAxis h, w;
  size_t offset = 0;      // of its first pixel in dx, in floats
  conv_f32::Params conv;  // whose x is dy
  bool empty() const { return h.extent == 0 || w.extent == 0; }
  bool zero() const { return h.taps == 0 || w.taps == 0; }
};

inline size_t phases(const Params& params) {
  return params.geometry.stride_h * params.geometry.stride_w;
}

inline Phase phase_of(const Params& params, size_t index) {
  const Conv2dGeometry& g = params.geometry;
  const size_t row = index / g.stride_w, column = index % g.stride_w;
  Phase p;
  p.h = phase_axis(row, g.in_h, g.kernel_h, g.stride_h, g.pad_top, g.dilation_h);
  p.w = phase_axis(column, g.in_w, g.kernel_w, g.stride_w, g.pad_left, g.dilation_w);
  p.offset = (row * g.in_w + column) * g.in_c;
  p.conv.geometry = {.batch = g.batch,
                     .in_h = g.out_h,
                     .in_w = g.out_w,
                     .in_c = g.out_c,
                     .out_h = p.h.extent,
                     .out_w = p.w.extent,
                     .out_c = g.in_c,
                     .kernel_h = p.h.taps,
                     .kernel_w = p.w.taps,
                     .pad_top = p.h.pad,
                     .pad_left = p.w.pad,
                     .dilation_h = p.h.dilation,
                     .dilation_w = p.w.dilation,
                     .groups = g.groups};
  const size_t group_in = g.in_c / g.groups, output = g.kernel_h * g.kernel_w * group_in;
  if (params.weight)
    p.conv.weight = params.weight + (p.h.last_tap * g.kernel_w + p.w.last_tap) * group_in;
  p.conv.weight_strides = {
      .group = static_cast<ptrdiff_t>(g.out_c / g.groups * output),
      .out_c = 1,
      .kernel_h = -static_cast<ptrdiff_t>(p.h.tap_step * g.kernel_w * group_in),
      .kernel_w = -static_cast<ptrdiff_t>(p.w.tap_step * group_in),
      .in_c = static_cast<ptrdiff_t>(output)};
  p.conv.y_strides = {.image = g.in_h * g.in_w * g.in_c,
                      .row = g.stride_h * g.in_w * g.in_c,
                      .pixel = g.stride_w * g.in_c};
  return p;
}

}  // namespace octet::kernels::conv_f32_dx
