// lstm: one layer of an LSTM, in one direction or both (lstm_direction.h), results of both side by
// side.
//
// Inputs: x f32 [t, n, in] or, with batch_first, [n, t, in]; for each direction weight_ih,
// weight_hh, bias_ih, bias_hh; with `state` h and c to start from, [D, n, hidden] each, else zeros;
// optionally lengths s64 [n]. Results: y [t, n, D * hidden] or [n, t, D * hidden] and, with
// `state`, the last h and c.
//
// What becomes an instruction: batch_first, without lengths, from a start of zeros. As a stream it
// runs all the same: engine/compose.h gives the state of a program's LSTMs to its caller.
#pragma once

#include <optional>

#include "nn/op.h"

namespace octet::nn {

struct LstmLayerOptions {
  bool batch_first = false;
  bool bidirectional = false;
  bool state = false;
  std::optional<QParams> grid;  // of h: lstm_direction.h
};

class LstmLayerOp : public Op {
 public:
  explicit LstmLayerOp(const LstmLayerOptions& options) : options_(options) {}
  const char* name() const override { return "lstm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

  QuantRole quant_role() const override { return QuantRole::observed; }
  bool has_dynamic() const override { return true; }
  std::vector<size_t> weight_inputs() const override;
  std::shared_ptr<const Op> on_grid(const QParams& output) const override;
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  size_t directions() const { return options_.bidirectional ? 2 : 1; }
  // The inputs of one direction; x with steps outermost.
  std::vector<Tensor> inputs_of(size_t direction, std::span<const Tensor> inputs) const;

  LstmLayerOptions options_;
};

}  // namespace octet::nn
