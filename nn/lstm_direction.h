// lstm_direction: one layer of an LSTM in one direction, with backpropagation through time.
//
//   a = W_ih x[t] + b_ih + W_hh h + b_hh     4 * hidden rows: i, f, g, o, as in PyTorch
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c'),  y[t] = h'
//
// Inputs: x f32 [t, n, in], weight_ih [4 * hidden, in], weight_hh [4 * hidden, hidden], bias_ih,
// bias_hh [4 * hidden], h and c to start from [n, hidden], and optionally lengths s64 [n], each 1
// to t. Results: y [t, n, hidden], the last h and c [1, n, hidden].
//
// Steps run from 0 up, or with `reverse` from t - 1 down. Beyond a sequence's length its state
// stays and y is 0, so that in reverse it starts at its own last step: PyTorch's packed sequences.
// What x has there is not looked at, but must be finite.
//
// With a grid h is rounded to it in every step, as if it were integers; its gradient passes
// straight through where the rounded value is in the range.
#pragma once

#include <optional>

#include "base/qparams.h"
#include "tensor/tape.h"

namespace octet::nn {

class LstmDirectionOp : public TapeOp {
 public:
  explicit LstmDirectionOp(bool reverse, const std::optional<QParams>& grid = std::nullopt)
      : reverse_(reverse), grid_(grid) {}
  const char* name() const override { return "lstm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  bool reverse_;
  std::optional<QParams> grid_;
};

}  // namespace octet::nn
