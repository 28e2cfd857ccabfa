// depthwise_f32_dx: the gradient of depthwise_f32's input, in f32.
//
//   dx[n, iy, ix, c] = sum w[c, ky, kx] * dy[n, oy, ox, c]
//
// over the (oy, ky) with oy * stride_h - pad_top + ky * dilation_h = iy, columns alike.
// geometry is that of the forward pass (groups == in_c == out_c). dy: f32 [batch, out_h, out_w, c],
// dx: f32 [batch, in_h, in_w, c], overwritten wholly: 0 where no window reaches. Any kernel size,
// stride, dilation and padding; kernels 3 and 5 wide at strides 1 and 2 are the fast ones. dy and
// dx do not overlap; no alignment needed. Rounding: fused multiply-adds in an order that geometry
// alone decides. Threads and batch never change a bit. Normative: depthwise_f32_dx_ref.h (in
// double); the bound is (taps + 1) * 2^-24 * sum |w dy| + 2^-24 |dx|.
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::depthwise_f32_dx {

struct Params {
  Conv2dGeometry geometry;
  const float* weight = nullptr;  // [c, kernel_h, kernel_w, 1]; read by pack only
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* dy, float* dx, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::depthwise_f32_dx
