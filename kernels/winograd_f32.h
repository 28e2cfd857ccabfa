// winograd_f32: 3x3 convolution with stride 1 in f32 by minimal filtering, with a fused clamp.
//
//   y[o] = clamp(bias[o] + sum_{ky, kx, c} w[o, ky, kx, c] * x[...], lo, hi)
//
// as conv_f32 computes it, with fewer multiplications. From Lavin and Gray, "Fast algorithms for
// convolutional neural networks" (2016): a tile of m x m outputs reads a patch d of (m + 2) x
// (m + 2) inputs, and with constant matrices A, B and G
//
//   tile = A^T [ sum_c (G w_c G^T) .* (B^T d_c B) ] A
//
// F(4x4, 3x3) multiplies 36 times per tile and pair of channels where the direct form does 144
// times; F(2x2, 3x3), 16 times instead of 36. The latter has fewer products for images of 2x2
// alone, but less than half of the former's weights, which few tiles of many channels wait for.
//
// x, y: f32 NHWC, no overlap; shapes as in conv2d_geometry.h with what is_supported() asks for;
// outside the image x counts as 0. Nothing outside x and y is touched; no alignment needed. A
// negative padding (modulo 2^64) crops the image. Every output is the result of the same operations
// whatever the batch and the tasks, so that batch size and threads never change a bit; targets
// without a fused multiply-add differ from the others in the last bits.
//
// Normative: winograd_f32_ref.h (in double), with the bound on the error of output (i, j) of a tile
//
//   (in_c + r) * 2^-24 * (|bias| + sum_c max|d_c| * sum_{ky, kx} C[i, ky] C[j, kx] |w[ky, kx, c]|)
//   C[i, k] = sum_p |A[p, i]| |G[p, k]| sum_s |B[s, p]|
//   r = 20 for F(4x4, 3x3), 12 for F(2x2, 3x3)
//
// r counts the roundings of the three transforms on the way from x and w to y, and one for all
// products of roundings. C is 4.3 to 29.3 for F(4x4, 3x3) and 2 to 4 for F(2x2, 3x3), where the
// direct form has 1. On random data the root mean square of the errors is 4 to 6 times conv_f32's,
// and 1 to 1.5 times. An infinity or a NaN in x may make every output of its tiles NaN, beyond
// those whose windows see it.
#pragma once

#include <cstddef>
#include <limits>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_f32.h"
#include "kernels/cost.h"

namespace octet::kernels::winograd_f32 {

using WeightStrides = conv_f32::WeightStrides;

struct Params {
  Conv2dGeometry geometry;
  const float* weight = nullptr;  // [out_c, 3, 3, in_c]; read by pack only
  const float* bias = nullptr;    // [out_c] or null for none; read by pack only
  float lo = -std::numeric_limits<float>::infinity();  // fused activation, lo <= hi
  float hi = std::numeric_limits<float>::infinity();
  WeightStrides weight_strides{};  // all 0: dense
  size_t tile = 0;                 // m: 4, 2, or 0 for the one with fewer products
};

// 3x3, stride 1, dilation 1, one group; any padding.
bool is_supported(const Conv2dGeometry& geometry) noexcept;

// The tile that is worth it for a supported layer, or 0 where conv_f32 is as fast. Wide layers of
// small images need a batch, or a smaller tile; a caller whose bits may not depend on the batch
// asks for one of its choice, always the same.
size_t best_tile(const Conv2dGeometry& geometry) noexcept;

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Transforms the weights, for the current target. packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::winograd_f32
