// conv_f32_dx: the gradient of a convolution or linear layer with respect to its input.
//
//   dx[n, iy, ix, c] = sum_{ky, kx, o} w[o, ky, kx, c] * dy[n, oy, ox, o]
//   over the (oy, ky) with oy * stride_h + ky * dilation_h - pad_top == iy, and (ox, kx) likewise
//
// dy: f32 NHWC [batch, out_h, out_w, out_c]; dx: f32 NHWC [batch, in_h, in_w, in_c], overwritten,
// with 0 where no window reaches. Geometry of the forward convolution (conv2d_geometry.h), any
// groups, stride, dilation and padding. dx and dy do not overlap; nothing outside them is touched;
// no alignment needed. Rounding: fused multiply-adds in an order that depends on the position in
// dx alone, so that batch size and threads never change a bit. Normative: conv_f32_dx_ref.h (in
// double); the bound is (terms + 1) * 2^-24 * sum |w dy| + 2^-24 |dx|.
//
// It is a convolution of dy, and conv_f32 does it: with stride 1 by the flipped and transposed
// weights, otherwise once for each of the stride_h * stride_w phases of dx (conv_f32_dx_phases.h).
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::conv_f32_dx {

struct Params {
  Conv2dGeometry geometry;        // of the forward convolution
  const float* weight = nullptr;  // [out_c, kernel_h, kernel_w, in_c / groups]; read by pack only
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts the weights in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* dy, float* dx, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::conv_f32_dx
