// depthwise_u8s8: quantized depthwise 2-D convolution (groups == in_c == out_c) with fused
// requantize, or with f32 output.
//
//   acc[c] = bias[c] + sum_{ky, kx} w[c, ky, kx] * (x[..., c] - x_zero_point)     exact in s32
//   run:      y = requantize(acc[c], multiplier[c], range)                        (requantize.h)
//   run_f32:  y = f32(acc[c]) * multiplier[c]              two f32 roundings, to nearest even
//
// x: u8, y: u8 or f32, both NHWC; weight: s8 [c, kernel_h, kernel_w, 1]; bias: s32 [c]; multiplier:
// f32 [c]; geometry as in conv2d_geometry.h; outside the image x counts as x_zero_point. Any kernel
// size, stride, dilation and padding; 3x3 is the fastest. x and y do not overlap; nothing outside
// them is touched; no alignment needed. Normative: depthwise_u8s8_ref.h. Every target agrees with
// it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"
#include "kernels/requantize.h"

namespace octet::kernels::depthwise_u8s8 {

struct Params {
  Conv2dGeometry geometry;
  const int8_t* weight = nullptr;     // [c, kernel_h, kernel_w, 1]; read by pack only
  const int32_t* bias = nullptr;      // [c]; read by pack only
  const float* multiplier = nullptr;  // [c]; read by pack only
  int32_t x_zero_point = 0;           // 0..255
  OutputRange range;
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights, bias and multipliers in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept;

// The same with f32 output, as conv_u8s8::run_f32. Ignores range.
void run_f32(const Params& params, const void* packed, const uint8_t* x, float* y, void* workspace,
             size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::depthwise_u8s8
