// conv_f32: 2-D convolution and linear layer in f32 with a fused clamp (relu, relu6).
//
//   y[o] = clamp(bias[o] + sum_{ky, kx, c} w[o, ky, kx, c] * x[...], lo, hi)
//
// x, y: f32 NHWC; shapes as in conv2d_geometry.h; outside the image x counts as 0. A linear layer
// is the case of a 1x1 image: batch = rows, in_c = inputs, out_c = outputs. Any groups (depthwise
// has its own, faster kernel: depthwise_f32). x and y do not overlap; nothing outside them is
// touched; no alignment needed. A negative padding (modulo 2^64) crops the image. Rounding: the
// terms are added by fused multiply-adds in the order (ky, kx, c), starting from bias, whatever the
// tile or the number of threads, so that batch size and threads never change a bit; targets without
// a fused multiply-add differ from the others in the last bits. Normative: conv_f32_ref.h (in
// double); the bound is (taps + 1) * 2^-24 *
// (|bias| + sum |w x|) + 2^-24 |y|.
#pragma once

#include <cstddef>
#include <limits>

#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"

namespace octet::kernels::conv_f32 {

// Floats between neighbours in a weight that is a view of another one (the gradient of the input
// reads it flipped and transposed). Element (o, ky, kx, c) of group g, o and c counted inside the
// group, is at weight + g * group + o * out_c + ky * kernel_h + kx * kernel_w + c * in_c.
struct WeightStrides {
  ptrdiff_t group = 0, out_c = 0, kernel_h = 0, kernel_w = 0, in_c = 0;
};

// Floats between neighbours in y; the channels of a pixel are dense.
struct OutputStrides {
  size_t image = 0, row = 0, pixel = 0;
};

struct Params {
  Conv2dGeometry geometry;
  const float* weight = nullptr;  // [out_c, kernel_h, kernel_w, in_c / groups]; read by pack only
  const float* bias = nullptr;    // [out_c] or null for none; read by pack only
  float lo = -std::numeric_limits<float>::infinity();  // fused activation, lo <= hi
  float hi = std::numeric_limits<float>::infinity();
  WeightStrides weight_strides{};  // all 0: dense
  OutputStrides y_strides{};       // all 0: dense
};

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights and bias in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;
// The same in pieces that may run at once: tasks [begin, end) of pack_tasks(params).
size_t pack_tasks(const Params& params) noexcept;
void pack_part(const Params& params, void* packed, size_t begin, size_t end) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::conv_f32
