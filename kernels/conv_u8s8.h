// conv_u8s8: quantized 2-D convolution and linear layer with fused requantize, or with f32 output.
//
//   acc[o] = bias[o] + sum_{ky, kx, c} w[o, ky, kx, c] * (x[...] - x_zero_point)     exact in s32
//   run:      y = requantize(acc[o], multiplier[o], range) (requantize.h)
//   run_f32:  y = f32(acc[o]) * multiplier[o]              two f32 roundings, to nearest even
//
// x: u8, y: u8 or f32, weight: s8, bias: s32 [out_c] at scale s_x * s_w[o], multiplier: f32
// [out_c]; shapes as in conv2d_geometry.h; outside the image x counts as x_zero_point. A linear
// layer is the case of a 1x1 image: batch = rows, in_c = inputs, out_c = outputs. Any groups
// (depthwise has its own, faster kernel: depthwise_u8s8). x and y do not overlap; nothing outside
// them is touched; no alignment needed. The caller guarantees |acc| < 2^31. Normative:
// conv_u8s8_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"
#include "kernels/requantize.h"

namespace octet::kernels::conv_u8s8 {

struct Params {
  Conv2dGeometry geometry;
  const int8_t* weight = nullptr;  // [out_c, kernel_h, kernel_w, in_c / groups]; read by pack only
  const int32_t* bias = nullptr;   // [out_c]; read by pack only
  const float* multiplier = nullptr;  // [out_c]; read by pack only
  int32_t x_zero_point = 0;           // 0..255
  OutputRange range;
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights, bias and multipliers in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;
// The same in pieces that may run at once: tasks [begin, end) of pack_tasks(params).
size_t pack_tasks(const Params& params) noexcept;
void pack_part(const Params& params, void* packed, size_t begin, size_t end) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept;

// The same with f32 output: for training, which normalizes before it quantizes, and for layers
// whose output has no scale yet. Ignores range.
void run_f32(const Params& params, const void* packed, const uint8_t* x, float* y, void* workspace,
             size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::conv_u8s8
