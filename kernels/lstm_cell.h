// lstm_cell: what an LSTM does with one row of gates in one step.
//
//   a = gates + recurrent                                 4 * hidden: i, f, g, o, as in PyTorch
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c')
//
// gates and recurrent: W_ih x + b_ih and W_hh h + b_hh, in either order; sigmoid(i), sigmoid(f),
// tanh(g), sigmoid(o) come out in gates. h, c: f32 [hidden], the state: c in and out, h out. Any
// hidden, no overlap, no alignment needed. Every operation is rounded for itself, sigmoid and tanh
// are those of activation_f32.h: the same bits on every target. Normative: lstm_cell_ref.h.
#pragma once

#include <cstddef>

namespace octet::kernels {

void lstm_cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) noexcept;

}  // namespace octet::kernels
