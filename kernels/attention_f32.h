// attention_f32: scaled dot-product attention, each head for itself.
//
//   score[i, j] = sum_c (q[i, c] * scale) * k[j, c],  scale = 1 / sqrt(size)
//   e[i, j]     = exp(score[i, j] - max_j score[i, j])
//   y[i, c]     = (sum_j e[i, j] * v[j, c]) / (sum_j e[i, j])
//
// q, k, v, y: f32 [batch, length, heads * size], the heads side by side; i and j are positions of
// the same sequence. mask: s64 [batch, length] or null: positions j where it is 0 are left out of
// all sums, so what stands there never changes a result, nor does padding; a sequence of such
// positions alone gives 0. All extents > 0 except batch; no overlap, no alignment needed.
//
// Every operation is rounded for itself; sums go in the order of c and j, that of e in the order of
// row_sums_ref.h, j counted without those left out; exp is that of activation_f32_ref.h: the same
// bits on every target, for any tasks and neighbours. A NaN in q or among the k of a head gives
// NaN. Normative: attention_f32_ref.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::attention_f32 {

struct Params {
  size_t batch = 1, length = 1, heads = 1;
  size_t size = 1;  // of a head
};

struct Operands {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  const int64_t* mask = nullptr;
};

Work work(const Params& params) noexcept;

// Computes tasks [begin, end) of work(params).tasks.
void run(const Params& params, const Operands& operands, float* y, void* workspace, size_t begin,
         size_t end) noexcept;

}  // namespace octet::kernels::attention_f32
