// The windows of 2-D pooling, max and average, fixed and adaptive.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels {

// geometry: in_c == out_c, groups unused.
struct PoolGeometry {
  Conv2dGeometry geometry;
  // Windows as torch.nn.AdaptiveAvgPool2d cuts them: [floor(i * in / out), ceil((i + 1) * in /
  // out)). kernel, stride, pad and dilation are then unused.
  bool adaptive = false;
  // Average pooling divides by kernel_h * kernel_w even where the window hangs over the edge
  // (PyTorch's default), or by the number of elements inside the image.
  bool count_include_pad = true;

  // One output row's (or column's) input positions: first, first + step, ... below last, all inside
  // the image.
  struct Window {
    size_t first, last, step;
    size_t count() const { return last > first ? (last - first + step - 1) / step : 0; }
  };
  Window rows(size_t oy) const {
    const Conv2dGeometry& g = geometry;
    return window(oy, g.in_h, g.out_h, g.kernel_h, g.stride_h, g.pad_top, g.dilation_h);
  }
  Window columns(size_t ox) const {
    const Conv2dGeometry& g = geometry;
    return window(ox, g.in_w, g.out_w, g.kernel_w, g.stride_w, g.pad_left, g.dilation_w);
  }
  // What an average over this window is divided by.
  size_t divisor(const Window& y, const Window& x) const {
    if (adaptive || !count_include_pad) return y.count() * x.count();
    return geometry.kernel_h * geometry.kernel_w;
  }

 private:
  Window window(size_t o, size_t in, size_t out, size_t kernel, size_t stride, size_t pad,
                size_t dilation) const {
    if (adaptive) return {o * in / out, ((o + 1) * in + out - 1) / out, 1};
    const size_t start = o * stride;  // in coordinates shifted by pad
    const size_t skipped = start >= pad ? 0 : (pad - start + dilation - 1) / dilation;
    const size_t end = start + kernel * dilation;
    return {start + skipped * dilation - pad, std::min(end > pad ? end - pad : 0, in), dilation};
  }
};

}  // namespace octet::kernels
