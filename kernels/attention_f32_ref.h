// attention_f32, the specification: the formulas of attention_f32.h, one query at a time.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/activation_f32_ref.h"

namespace octet::kernels::ref::attention_f32 {

inline float scale_of(size_t size) { return 1.0f / std::sqrt(static_cast<float>(size)); }

// Params, Operands: any structs with the fields of those in attention_f32.h. scores: `length`
// elements to work in.
template <class Params, class Operands>
void run(const Params& p, const Operands& o, float* y, float* scores) {
  const size_t width = p.heads * p.size;
  const float scale = scale_of(p.size);
  // Of every (sequence, position, head).
  for (size_t at = 0; at < p.batch * p.length * p.heads; ++at) {
    const size_t first = at / p.heads / p.length * p.length, head = at % p.heads * p.size;
    const float* q = o.q + at * p.size;
    const auto kept = [&](size_t j) { return o.mask == nullptr || o.mask[first + j] != 0; };
    size_t keys = 0;
    for (size_t j = 0; j < p.length; ++j) {
      if (!kept(j)) continue;
      float score = 0.0f;
      for (size_t c = 0; c < p.size; ++c)
        score += (q[c] * scale) * o.k[(first + j) * width + head + c];
      scores[keys++] = score;
    }
    const float sum = keys == 0 ? 1.0f : activation_f32::exp_sum_f32(scores, scores, keys);
    for (size_t c = 0; c < p.size; ++c) {
      float weighted = 0.0f;
      for (size_t j = 0, key = 0; j < p.length; ++j)
        if (kept(j)) weighted += scores[key++] * o.v[(first + j) * width + head + c];
      y[at * p.size + c] = weighted / sum;
    }
  }
}

}  // namespace octet::kernels::ref::attention_f32
