// activation: y = min(max(x, lo), hi): relu is [0, inf), relu6 is [0, 6], hardtanh is [-1, 1]
// unless said otherwise. Any shape, f32. Nothing passes backward where y is at a bound.
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
// min < max.
Tensor hardtanh(const Tensor& x, float min = -1.0f, float max = 1.0f);

// torch.nn.ReLU, ReLU6 and Hardtanh; nothing happens in place.
class ReLU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return relu(x); }
};

class ReLU6 : public Module {
 public:
  Tensor forward(const Tensor& x) override { return relu6(x); }
};

class Hardtanh : public Module {
 public:
  explicit Hardtanh(float min = -1.0f, float max = 1.0f) : min_(min), max_(max) {}
  Tensor forward(const Tensor& x) override { return hardtanh(x, min_, max_); }

 private:
  float min_, max_;
};

}  // namespace octet::nn
