// pool_f32: max and average pooling of f32 NHWC tensors.
//
//   max: y = max of the window, -inf for a window wholly outside the image
//   avg: y = (sum of the window, row by row, left to right, in f32) * (1.0f / float(divisor))
//
// Positions outside the image are left out. Windows: pool_geometry.h. x, y don't overlap; no
// alignment. Same bits on every target. Normative: pool_f32_ref.h.
#pragma once

#include <cstddef>

#include "kernels/pool_geometry.h"

namespace octet::kernels::pool_f32 {

struct Params {
  PoolGeometry pool;
};

Work work(const Params& params) noexcept;
void max(const Params& params, const float* x, float* y, void* workspace, size_t begin,
         size_t end) noexcept;
void avg(const Params& params, const float* x, float* y, void* workspace, size_t begin,
         size_t end) noexcept;

}  // namespace octet::kernels::pool_f32
