// Window2d: the sliding window that convolutions and pooling share, with PyTorch's options.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "kernels/conv2d_geometry.h"
#include "tensor/tensor.h"

namespace octet::nn {

// Height and width; a single number stands for both.
struct Size2 {
  int64_t h, w;
  constexpr Size2(int64_t both) : h(both), w(both) {}
  constexpr Size2(int64_t h, int64_t w) : h(h), w(w) {}
  friend bool operator==(const Size2&, const Size2&) = default;
};

struct Window2d {
  Size2 kernel = 1, stride = 1, padding = 0, dilation = 1;
  // The last window may hang over the padded edge, as long as it starts before it.
  bool ceil_mode = false;

  // Throws octet::Error unless kernel, stride and dilation are positive and padding is not
  // negative.
  void check(const char* op) const;
  // x: [n, h, w, c]. Throws octet::Error when an extent is 0 or the window is larger than the
  // padded image.
  kernels::Conv2dGeometry geometry(const char* op, const Tensor& x, int64_t out_c) const;
  // stride, pad and dilation as the engine names them; pad_bottom and pad_right are what makes
  // `out` come out. `in` and `out`: [n, h, w, c].
  std::vector<engine::Attribute> attributes(const Shape& in, const Shape& out) const;
};

}  // namespace octet::nn
