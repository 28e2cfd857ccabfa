// winograd_u8s8: conv_u8s8 for 3x3 kernels with stride 1, by minimal filtering in integers. Exact.
//
//   y = requantize(bias[o] + sum_{ky, kx, c} w[o, ky, kx, c] * (x[...] - x_zero_point), ...)
//
// the same bits as conv_u8s8, with a quarter (tiles of 4x4 outputs) or 4/9 (2x2) of its
// multiplications. What the algorithm is: winograd_f32.h. Its matrix G has fractions; multiplied by
// 24 (2 for tiles of 2x2) it has none, and with A and B, which are integers,
//
//   576 (4) * tile = A^T [ sum_c (G w_c G^T) .* (B^T x_c B) ] A
//
// holds in integers. Both factors fit in 16 bits whatever x and w: |B^T x B| <= 17340 (1020),
// |G w G^T| <= 18432 (1152), a factor 2 of G's last row being left to A. Sums of products may leave
// 32 bits, and wrap: the equation holds modulo 2^32, and so does what follows, a multiplication by
// the inverse of 9 = 576 / 2^6. What is left is 2^6 (2^2) times the direct form's sum modulo 2^32,
// and that is enough, for
//
//   |sum w * x| < 2^25 (2^29)                                     fits(), from the actual weights
//
// The zero point is taken from the bias, modulo 2^32 as well, as conv_u8s8 does.
//
// Everything else as in conv_u8s8.h. A negative padding (modulo 2^64) crops the image. Normative:
// conv_u8s8_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_u8s8.h"

namespace octet::kernels::winograd_u8s8 {

struct Params : conv_u8s8::Params {
  size_t tile = 4;  // outputs of a tile along each axis: 4 or 2
};

// 3x3, stride 1, dilation 1, one group; any padding.
bool is_supported(const Conv2dGeometry& geometry) noexcept;

// Whether the sums of every output channel are small enough for the tile of params. Reads the
// weights.
bool fits(const Params& params) noexcept;

// The tile that is faster than conv_u8s8 on the current target for a supported layer and fits() its
// weights, or 0 if none does: always where Arm has an instruction for dot products of bytes.
// Ignores params.tile.
size_t best_tile(const Params& params) noexcept;

// Bytes that pack() fills. Depends on everything in Params but batch.
size_t packed_bytes(const Params& params) noexcept;

// Transforms the weights, for the current target. packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::winograd_u8s8
