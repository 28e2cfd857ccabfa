// cat: tensors one after another along one dimension; f32, all other extents equal.
//
// Quantized along the innermost dimension, the channels; the result has a scale of its own
// (engine/instructions.h: concat).
#pragma once

#include "nn/op.h"

namespace octet::nn {

class CatOp : public Op {
 public:
  // Negative: from behind the innermost, which is -1.
  explicit CatOp(int dim) : dim_(dim) {}
  const char* name() const override { return "cat"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override {
    return joins_channels() ? QuantRole::observed : QuantRole::unsupported;
  }
  bool joins_channels() const override { return dim_ == -1; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  int dim_;
};

// The default is PyTorch's dim = 1 of images: channels, which are innermost here.
Tensor cat(const std::vector<Tensor>& tensors, int dim = -1);

}  // namespace octet::nn
