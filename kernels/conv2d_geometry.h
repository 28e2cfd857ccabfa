// Shapes and strides of a 2-D convolution or pooling, and how a kernel's work is cut into tasks.
#pragma once

#include <algorithm>
#include <cstddef>

namespace octet::kernels {

// x: [batch, in_h, in_w, in_c], y: [batch, out_h, out_w, out_c], both dense NHWC;
// weight: [out_c, kernel_h, kernel_w, in_c / groups].
//   y[n, oy, ox, o] = sum_{ky, kx, c} w[o, ky, kx, c] * x[n, oy * stride_h - pad_top + ky *
//   dilation_h, ...]
// Positions outside the image count as real 0 (the zero point, when quantized). Padding at the
// bottom and right follows from out_h and out_w. groups divides in_c and out_c; output channel o
// sees the input channels of group o / (out_c / groups).
// All extents > 0 except batch, which may be 0.
struct Conv2dGeometry {
  size_t batch = 1;
  size_t in_h = 1, in_w = 1, in_c = 1;
  size_t out_h = 1, out_w = 1, out_c = 1;
  size_t kernel_h = 1, kernel_w = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t pad_top = 0, pad_left = 0;
  size_t dilation_h = 1, dilation_w = 1;
  size_t groups = 1;

  // Every channel filtered alone: what the depthwise kernels are for.
  bool is_depthwise() const { return groups == in_c && groups == out_c; }
  // Products summed for one output element.
  size_t taps() const { return kernel_h * kernel_w * (in_c / groups); }
  // Multiply-adds of the whole layer.
  size_t macs() const { return batch * out_h * out_w * out_c * taps(); }
};

// How a layer's output is cut for threads. Tasks write disjoint parts of the output; their results
// do not depend on the order or on the ranges they are run in.
struct Work {
  size_t tasks = 0;
  size_t workspace_bytes = 0;  // per thread, aligned to 64; contents need no preparation
};

// How many pieces of b there are in a, the last one maybe smaller. b > 0.
inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }

// Positions [begin, end) of a kernel's taps, or of output columns.
struct Span {
  size_t begin, end;
};

// Taps that fall inside [0, extent) when tap 0 is at `first`.
inline Span taps_inside(ptrdiff_t first, size_t dilation, size_t kernel, size_t extent) {
  const ptrdiff_t last = static_cast<ptrdiff_t>(extent) - 1;
  const size_t begin = first < 0 ? (static_cast<size_t>(-first) + dilation - 1) / dilation : 0;
  const size_t end = first > last ? 0 : static_cast<size_t>(last - first) / dilation + 1;
  const size_t from = std::min(begin, kernel);
  return {from, std::clamp(end, from, kernel)};
}

}  // namespace octet::kernels
