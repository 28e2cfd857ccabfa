// activation: y = min(max(x, lo), hi): relu is [0, inf), relu6 is [0, 6]. Any shape, f32.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class ClampOp : public Op {
 public:
  // name: "relu", for messages and reports; a literal.
  ClampOp(const char* name, ClampRange range) : name_(name), range_(range) {}
  const char* name() const override { return name_; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves y: what is before an activation need not keep x.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  std::optional<ClampRange> activation() const override { return range_; }
  // What could not be fused: a clamp instruction.
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  const char* name_;
  ClampRange range_;
};

Tensor relu(const Tensor& x);
Tensor relu6(const Tensor& x);

// torch.nn.ReLU and ReLU6; nothing happens in place.
class ReLU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return relu(x); }
};

class ReLU6 : public Module {
 public:
  Tensor forward(const Tensor& x) override { return relu6(x); }
};

}  // namespace octet::nn
