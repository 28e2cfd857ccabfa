// transpose: two dimensions change places; f32. The result is a tensor of its own.
#pragma once

#include "nn/op.h"

namespace octet::nn {

class TransposeOp : public UnloweredOp {
 public:
  // Negative: from behind the innermost.
  TransposeOp(int dim0, int dim1) : dim0_(dim0), dim1_(dim1) {}
  const char* name() const override { return "transpose"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  int dim0_, dim1_;
};

Tensor transpose(const Tensor& x, int dim0, int dim1);

}  // namespace octet::nn
