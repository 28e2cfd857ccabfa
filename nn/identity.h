// identity: y = x. Graphs leave it out.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class IdentityOp : public Op {
 public:
  const char* name() const override { return "identity"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override { return {inputs[0]}; }
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override { return {args.dy[0]}; }
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  bool is_identity() const override { return true; }
  engine::ValueId lower(const Lowering& layer) const override { return layer.inputs.at(0); }
};

// torch.nn.Identity.
class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override {
    return apply_one(std::make_shared<IdentityOp>(), {x});
  }
};

}  // namespace octet::nn
