// dynamic_rows: f32 rows times s8 weights; each row of the input is quantized by itself when it
// comes, or all are u8 already (run_u8), with the qparams that the caller knows.
//
//   lo = min(0, min_k x[k]), hi = max(0, max_k x[k])
//   scale = max((hi - lo) / 255, 2^-23), zero_point = clamp(-round(lo / scale), 0, 255)
//   q[k]  = clamp(round(x[k] * (1 / scale)) + zero_point, 0, 255)
//   acc   = sum_k w[o, k] * (q[k] - zero_point)                                   exact in s32
//   y[o]  = clamp(f32(acc) * (scale * weight_scale[o]) + bias[o], lo, hi)
//
// All in f32, one operation after the other as written; round: nearest, ties to even. x: f32 [rows,
// inputs], weight: s8 [outputs, inputs], weight_scale, bias: f32 [outputs], y: f32 [rows, outputs];
// inputs, outputs > 0, rows any; no overlap, no alignment needed. The caller guarantees 255 *
// sum_k |w[o, k]| < 2^31. A row that has a NaN or an infinity, or (hi - lo) / 255 of which is none
// of f32, gives NaN. What a row gives depends on nothing but itself: not on the target, the other
// rows or the tasks. Normative: dynamic_rows_ref.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/qparams.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"

namespace octet::kernels::dynamic_rows {

struct Params {
  size_t rows = 1;
  size_t inputs = 1, outputs = 1;
  const int8_t* weight = nullptr;       // read by pack only, as the two below
  const float* weight_scale = nullptr;  // finite, > 0
  const float* bias = nullptr;
  float lo = -std::numeric_limits<float>::infinity();  // a fused activation: lo <= hi
  float hi = std::numeric_limits<float>::infinity();
  // Reads the weights from the last outputs to the first; the same result. Who multiplies by the
  // same weights again and again turns around every time: what was read last is still in the cache,
  // of which weights a little larger than it would otherwise find nothing.
  bool backward = false;
  QParams x;  // of u8 rows: scale and zero_point, 0 to 255
};

// Bytes that pack() fills. Depends on inputs and outputs.
size_t packed_bytes(const Params& params) noexcept;

// Puts weights, scales and bias in the order in which run() reads them on the current target.
// packed: packed_bytes(params), aligned to 64.
void pack(const Params& params, void* packed) noexcept;

Work work(const Params& params) noexcept;

// Of all tasks.
Cost cost(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept;

// The same from q on, for rows q with the qparams params.x.
void run_u8(const Params& params, const void* packed, const uint8_t* q, float* y, void* workspace,
            size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::dynamic_rows
