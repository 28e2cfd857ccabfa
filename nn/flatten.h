// flatten: everything but the batch in one dimension, in PyTorch's order.
//
// x: f32 [n, h, w, c] -> y: f32 [n, c * h * w], channels outermost, so that weights of a linear
// layer behind it load unchanged. Other ranks (>= 1): [n, everything else] in the same order.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class FlattenOp : public Op {
 public:
  const char* name() const override { return "flatten"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  // "reshape" where the order of the elements stays, else "flatten".
  engine::ValueId lower(const Lowering& layer) const override;
};

Tensor flatten(const Tensor& x);

// torch.nn.Flatten().
class Flatten : public Module {
 public:
  Tensor forward(const Tensor& x) override { return flatten(x); }
};

}  // namespace octet::nn
