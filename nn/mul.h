// mul: y = a * b, element by element; f32.
//
// Both of one shape, or one [n, h, w, c] and the other [n, 1, 1, c], a gate per image and channel
// (squeeze and excite).
#pragma once

#include "nn/op.h"

namespace octet::nn {

class MulOp : public UnloweredOp {
 public:
  const char* name() const override { return "mul"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
};

Tensor mul(const Tensor& a, const Tensor& b);

}  // namespace octet::nn
