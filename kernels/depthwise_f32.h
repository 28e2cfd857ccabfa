// depthwise_f32: depthwise 2-D convolution (groups == in_c == out_c) in f32 with a fused clamp.
//
//   y[c] = clamp(bias[c] + sum_{ky, kx} w[c, ky, kx] * x[..., c], lo, hi)
//
// x, y: f32 NHWC; weight: [c, kernel_h, kernel_w, 1]; geometry as in conv2d_geometry.h; outside the
// image x counts as 0. Any kernel size, stride, dilation and padding; kernels 3 and 5 wide
// at strides 1 and 2 are the fast ones.
// x and y do not overlap; nothing outside them is touched; no alignment needed.
// Rounding: fused multiply-adds in the order (ky, kx), starting from bias; positions outside the
// image are skipped or added as zeros, which is the same. Threads and batch never change a bit.
// Normative: depthwise_f32_ref.h (in double); the bound is (taps + 1) * 2^-24 *
// (|bias| + sum |w x|) + 2^-24 |y|.
#pragma once

#include <cstddef>
#include <limits>

#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"

namespace octet::kernels::depthwise_f32 {

struct Params {
  Conv2dGeometry geometry;
  const float* weight = nullptr;  // [c, kernel_h, kernel_w, 1]; read by pack only
  const float* bias = nullptr;    // [c] or null for none; read by pack only
  float lo = -std::numeric_limits<float>::infinity();  // fused activation, lo <= hi
  float hi = std::numeric_limits<float>::infinity();
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights and bias in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::depthwise_f32
