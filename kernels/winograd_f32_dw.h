// winograd_f32_dw: the gradient of a 3x3 convolution with stride 1 with respect to its weight, by
// minimal filtering.
//
//   dw[o, ky, kx, c] = sum_{n, oy, ox} dy[n, oy, ox, o] * x[n, oy + ky - pad_top, ..., c]
//
// as conv_f32_dw computes it, with fewer multiplications. The gradient of a tile of m x m outputs
// is itself a correlation, of a patch d of x with the tile of dy, and has 3x3 results: F(3x3, m x
// m) of Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016), section 4.1. It
// needs as many products as F(m x m, 3x3) and takes the same matrices, transposed:
//
//   dw[o, :, :, c] = G^T [ sum_tiles (A dy_o A^T) .* (B^T d_c B) ] G
//
// with m = 4 (winograd_f32.h): 36 products per tile and pair of channels, not 144.
//
// Params, memory and what run() and finish() do: conv_f32_dw.h, for 3x3, stride 1, dilation 1, one
// group; any padding, and a negative one (modulo 2^64) crops the image. u8 input is transformed as
// integers, exactly, and the result is multiplied by the scale.
//
// Rounding: sums over a step of tiles in order, transformed back; then the steps of a chunk in
// order, then the chunks. All of them depend on the geometry and the target alone, so that threads
// never change a bit. Normative: winograd_f32_dw_ref.h (in double), with the bound
//
//   (tiles + 20) * 2^-24 * sum_tiles max|d_c| * sum_{i, j} C[i, ky] C[j, kx] |dy[i, j, o]|
//
// tiles: those of all images; C and how 20 roundings come about (4 for B, 4 for A, 10 for G): as in
// winograd_f32.h. On random data the root mean square of the errors is 3 to 5 times conv_f32_dw's,
// 1 to 3 * 10^-6 of the gradient's. An infinity or a NaN may make all taps of its channel NaN.
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_f32_dw.h"

namespace octet::kernels::winograd_f32_dw {

using Params = conv_f32_dw::Params;

// 3x3, stride 1, dilation 1, one group.
bool is_supported(const Conv2dGeometry& geometry) noexcept;

// Whether it is worth it for a supported layer.
bool is_faster(const Conv2dGeometry& geometry) noexcept;

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

}  // namespace octet::kernels::winograd_f32_dw
