// lstm_cell, the specification: the formulas of lstm_cell.h, one element at a time.
#pragma once

#include <cstddef>

#include "kernels/activation_f32_ref.h"

namespace octet::kernels::ref {

inline void lstm_cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) {
  using activation_f32::sigmoid_f32;
  using activation_f32::tanh_f32;
  for (size_t k = 0; k < 4 * hidden; ++k) {
    const float a = gates[k] + recurrent[k];
    gates[k] = k / hidden == 2 ? tanh_f32(a) : sigmoid_f32(a);
  }
  const float *i = gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
  for (size_t k = 0; k < hidden; ++k) {
    const float kept = f[k] * c[k], added = i[k] * g[k];
    c[k] = kept + added;
    h[k] = o[k] * tanh_f32(c[k]);
  }
}

}  // namespace octet::kernels::ref
