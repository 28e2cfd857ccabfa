#include "nn/window2d.h"

#include <algorithm>

namespace octet::nn {
namespace {

// Windows along one dimension, as PyTorch counts them; not positive when none fits.
int64_t output_extent(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                      bool ceil_mode) {
  const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  int64_t out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + padding) --out;
  return out;
}

int64_t end_padding(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                    int64_t dilation) {
  return std::max<int64_t>(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - in - padding);
}

}  // namespace

void Window2d::check(const char* op) const {
  const auto positive = [op](const char* what, Size2 size) {
    OCTET_CHECK(size.h > 0 && size.w > 0, op, ": ", what, " is [", size.h, ", ", size.w,
                "], expects positive numbers");
  };
  positive("kernel_size", kernel);
  positive("stride", stride);
  positive("dilation", dilation);
  OCTET_CHECK(padding.h >= 0 && padding.w >= 0, op, ": padding is [", padding.h, ", ", padding.w,
              "]");
}

kernels::Conv2dGeometry Window2d::geometry(const char* op, const Tensor& x, int64_t out_c) const {
  const int64_t out_h =
      output_extent(x.dim(1), kernel.h, stride.h, padding.h, dilation.h, ceil_mode);
  const int64_t out_w =
      output_extent(x.dim(2), kernel.w, stride.w, padding.w, dilation.w, ceil_mode);
  OCTET_CHECK(x.dim(1) > 0 && x.dim(2) > 0 && x.dim(3) > 0 && out_h > 0 && out_w > 0, op,
              ": input ", x.shape().text(), " is too small for kernel [", kernel.h, ", ", kernel.w,
              "], padding [", padding.h, ", ", padding.w, "], dilation [", dilation.h, ", ",
              dilation.w, "]");
  const auto size = [](int64_t n) { return static_cast<size_t>(n); };
  kernels::Conv2dGeometry g;
  g.batch = size(x.dim(0));
  g.in_h = size(x.dim(1));
  g.in_w = size(x.dim(2));
  g.in_c = size(x.dim(3));
  g.out_h = size(out_h);
  g.out_w = size(out_w);
  g.out_c = size(out_c);
  g.kernel_h = size(kernel.h);
  g.kernel_w = size(kernel.w);
  g.stride_h = size(stride.h);
  g.stride_w = size(stride.w);
  g.pad_top = size(padding.h);
  g.pad_left = size(padding.w);
  g.dilation_h = size(dilation.h);
  g.dilation_w = size(dilation.w);
  return g;
}

std::vector<engine::Attribute> Window2d::attributes(const Shape& in, const Shape& out) const {
  const int64_t bottom = end_padding(in[1], out[1], kernel.h, stride.h, padding.h, dilation.h);
  const int64_t right = end_padding(in[2], out[2], kernel.w, stride.w, padding.w, dilation.w);
  return {{"stride_h", stride.h},     {"stride_w", stride.w},    {"pad_top", padding.h},
          {"pad_left", padding.w},    {"pad_bottom", bottom},    {"pad_right", right},
          {"dilation_h", dilation.h}, {"dilation_w", dilation.w}};
}

}  // namespace octet::nn
