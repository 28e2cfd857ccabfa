// depthwise_f32_dw: the gradient of depthwise_f32's weight, in f32.
//
//   dw[c, ky, kx] = sum_{n, oy, ox} x[n, oy * stride_h - pad_top + ky * dilation_h, ..., c] *
//                   dy[n, oy, ox, c]
//
// geometry is that of the forward pass (groups == in_c == out_c). x: f32 or u8 (conv_input.h)
// [batch, in_h, in_w, c]; dy: f32 [batch, out_h, out_w, c]; dw: f32 [c, kernel_h, kernel_w, 1].
// Outside the image x counts as 0. Any kernel size, stride, dilation and padding; kernels 3 and 5
// wide at strides 1 and 2 are the fast ones. No alignment needed but that of partials.
// Each task of run() leaves its sums in `partials`; once all are done, finish() adds them up. The
// cut into tasks follows from the geometry and the target: threads never change a bit.
// Rounding: fused multiply-adds of x / scale and dy, in an order that geometry and target decide;
// one multiplication by scale at the end. Normative: depthwise_f32_dw_ref.h (in double); the bound
// is that of k = products + 4 roundings in any order: k u / (1 - k u) * sum |x dy|, u = 2^-24.
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_input.h"

namespace octet::kernels::depthwise_f32_dw {

using Input = ConvInput;

struct Params {
  Conv2dGeometry geometry;
  Input x;
  const float* dy = nullptr;
};

Work work(const Params& params) noexcept;

// Bytes of the memory in which tasks leave their sums; aligned to 64, contents need no preparation.
// work and partials_bytes read the geometry only.
size_t partials_bytes(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) noexcept;

// dw is overwritten; with an empty batch by zeros. Reads geometry and the scale of x only.
void finish(const Params& params, const void* partials, float* dw) noexcept;

}  // namespace octet::kernels::depthwise_f32_dw
