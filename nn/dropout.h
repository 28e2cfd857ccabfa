// dropout: in training each element is 0 with probability p, else x / (1 - p); in eval mode y = x.
// The generator is default_generator() (random.h).
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class DropoutOp : public Op {
 public:
  // 0 <= p <= 1.
  DropoutOp(float p, bool training);
  const char* name() const override { return "dropout"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves which elements were kept, a byte each.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  bool is_identity() const override { return !training_; }
  std::shared_ptr<const Op> in_training() const override;
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  // p == 1 drops everything: then the scale is never used.
  float scale() const { return 1.0f / (1.0f - p_); }

  float p_;
  bool training_;
};

// torch.nn.Dropout.
class Dropout : public Module {
 public:
  explicit Dropout(float p = 0.5f);
  // Of the passes, and graphs, to come.
  void set_p(float p);
  Tensor forward(const Tensor& x) override;

 private:
  float p_;
};

}  // namespace octet::nn
