// cat: tensors one after another along one dimension; f32, all other extents equal.
#pragma once

#include "nn/op.h"

namespace octet::nn {

class CatOp : public UnloweredOp {
 public:
  // Negative: from behind the innermost.
  explicit CatOp(int dim) : dim_(dim) {}
  const char* name() const override { return "cat"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  int dim_;
};

// The default is PyTorch's dim = 1 of images: channels, which are innermost here.
Tensor cat(const std::vector<Tensor>& tensors, int dim = -1);

}  // namespace octet::nn
