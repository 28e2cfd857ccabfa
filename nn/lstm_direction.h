// lstm_direction: one layer of an LSTM in one direction, with backpropagation through time.
//
//   a = W_ih x[t] + b_ih + W_hh h + b_hh     4 * hidden rows: i, f, g, o, as in PyTorch
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c'),  y[t] = h'
//
// Inputs: x f32 [t, n, in], weight_ih [4 * hidden, in], weight_hh [4 * hidden, hidden], bias_ih,
// bias_hh [4 * hidden], h and c to start from [n, hidden], and optionally lengths s64 [n], each 1
// to t. Results: y [t, n, hidden], the last h and c [1, n, hidden]. With batch_first x and y are
// [n, t, ...]; only that, with a start of zeros and without lengths, can be lowered.
//
// Steps run from 0 up, or with `reverse` from t - 1 down. Beyond a sequence's length its state
// stays and y is 0, so that in reverse it starts at its own last step: PyTorch's packed sequences.
// What x has there is not looked at, but must be finite.
#pragma once

#include "nn/op.h"

namespace octet::nn {

struct LstmDirectionOptions {
  bool reverse = false;
  bool batch_first = false;
};

class LstmDirectionOp : public Op {
 public:
  explicit LstmDirectionOp(const LstmDirectionOptions& options) : options_(options) {}
  const char* name() const override { return "lstm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  bool has_dynamic() const override { return true; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  LstmDirectionOptions options_;
};

}  // namespace octet::nn
