// conv_f32_dw: the gradient of a convolution or linear layer with respect to its weight.
//
//   dw[o, ky, kx, c] = sum_{n, oy, ox} dy[n, oy, ox, o] * x[n, oy * stride_h + ky * dilation_h -
//   pad_top, ..., c]
//
// x: f32 or u8 NHWC [batch, in_h, in_w, in_c]; dy: f32 NHWC [batch, out_h, out_w, out_c]; dw: f32
// [out_c, kernel_h, kernel_w, in_c / groups], overwritten (0 for an empty batch). Geometry of the
// forward convolution (conv2d_geometry.h), any groups, stride, dilation and padding; outside the
// image x counts as 0. Nothing overlaps; nothing outside is touched; no alignment needed.
//
// run() leaves sums over chunks of pixels in `partials`; when all its tasks are done, finish() adds
// them up. Rounding: fused multiply-adds in the order of the pixels of a chunk, then the chunks in
// order; chunks depend on the geometry and the target alone, so that threads never change a bit.
// Normative: conv_f32_dw_ref.h (in double); the bound is (pixels + 1) * 2^-24 * sum |dy x| + 2^-24
// |dw|, pixels = batch * out_h * out_w.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_input.h"

namespace octet::kernels::conv_f32_dw {

using Input = ConvInput;

struct Params {
  Conv2dGeometry geometry;  // of the forward convolution
  Input x;
  const float* dy = nullptr;
};

Work work(const Params& params) noexcept;

// Bytes shared by all tasks; contents need no preparation.
size_t partials_bytes(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks. partials: partials_bytes(params), aligned to
// 64.
void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) noexcept;

// How finish() falls into tasks; its workspace is empty.
Work finish_work(const Params& params) noexcept;

// Writes the part of dw that belongs to tasks [begin, end) of finish_work(params).tasks.
void finish(const Params& params, const void* partials, float* dw, size_t begin,
            size_t end) noexcept;

}  // namespace octet::kernels::conv_f32_dw
