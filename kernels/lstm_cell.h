// lstm_cell: what an LSTM does with one row of gates in one step.
//
//   a = gates + recurrent                                 4 * hidden: i, f, g, o, as in PyTorch
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c')
//
// gates: W_ih x + b_ih in, sigmoid(i), sigmoid(f), tanh(g), sigmoid(o) out; recurrent: W_hh h +
// b_hh; h, c: f32 [hidden], the state. No overlap. Sums and products are rounded one by one; the
// rest: activation_f32.h. A row's results depend on that row alone.
#pragma once

#include <cstddef>

#include "kernels/activation_f32.h"

namespace octet::kernels {

inline void lstm_cell(size_t hidden, float* gates, const float* recurrent, float* h,
                      float* c) noexcept {
  for (size_t k = 0; k < 4 * hidden; ++k) gates[k] += recurrent[k];
  float *i = gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
  activation_f32::sigmoid(i, i, 2 * hidden);
  activation_f32::tanh(g, g, hidden);
  activation_f32::sigmoid(o, o, hidden);
  for (size_t k = 0; k < hidden; ++k) c[k] = f[k] * c[k] + i[k] * g[k];
  activation_f32::tanh(c, h, hidden);
  for (size_t k = 0; k < hidden; ++k) h[k] *= o[k];
}

}  // namespace octet::kernels
