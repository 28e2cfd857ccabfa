// pool_u8: max and average pooling of quantized NHWC tensors.
//
//   max: y = max of the window, then clamp to [quant_min, quant_max]        x and y share qparams
//   avg: acc = sum over the window of (x - x_zero_point)                    exact in s32
//        y = requantize(acc, ratio / float(divisor), range)                 requantize.h
//
// ratio = s_x / s_y in f32; both divisions in f32. Positions outside the image are left out (for an
// average they count as real 0). Windows: pool_geometry.h. A window wholly outside the image gives
// quant_min for max. x, y don't overlap; no alignment.
// Normative: pool_u8_ref.h. Every target agrees with it bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/pool_geometry.h"
#include "kernels/requantize.h"

namespace octet::kernels::pool_u8 {

struct Params {
  PoolGeometry pool;
  int32_t x_zero_point = 0;  // avg only
  float ratio = 1.0f;        // avg only: s_x / s_y
  OutputRange range;
};

// Both: tasks and workspace as in conv2d_geometry.h.
Work work(const Params& params) noexcept;
void max(const Params& params, const uint8_t* x, uint8_t* y, void* workspace, size_t begin,
         size_t end) noexcept;
void avg(const Params& params, const uint8_t* x, uint8_t* y, void* workspace, size_t begin,
         size_t end) noexcept;

}  // namespace octet::kernels::pool_u8
