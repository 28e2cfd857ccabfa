// softmax: y = exp(x) / sum(exp(x)) and log_softmax: y = x - log(sum(exp(x))), over the last
// dimension; x: f32 [..., n], n > 0. Computed from x - max(x). For the loss see cross_entropy.h.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// In the engine softmax is an instruction on f32; log_softmax has none.
class SoftmaxOp : public UnloweredOp {
 public:
  explicit SoftmaxOp(bool log) : log_(log) {}
  const char* name() const override { return log_ ? "log_softmax" : "softmax"; }
  engine::ValueId lower(const Lowering& layer) const override;
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves y.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  bool log_;
};

Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);

// torch.nn.Softmax(dim=-1) and LogSoftmax(dim=-1).
class Softmax : public Module {
 public:
  Tensor forward(const Tensor& x) override { return softmax(x); }
};

class LogSoftmax : public Module {
 public:
  Tensor forward(const Tensor& x) override { return log_softmax(x); }
};

}  // namespace octet::nn
