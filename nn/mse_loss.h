// mse_loss: mean over all elements of (x - target)^2; f32, both of one shape, not empty. The loss
// is one element.
#pragma once

#include "tensor/tape.h"

namespace octet::nn {

// Inputs: x, target. A loss is not part of a model: it can't be lowered.
class MseLossOp : public TapeOp {
 public:
  const char* name() const override { return "mse_loss"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
};

Tensor mse_loss(const Tensor& x, const Tensor& target);

}  // namespace octet::nn
