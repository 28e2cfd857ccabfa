// mul: y = a * b, element by element; f32. Quantized: kernels/mul_u8.h.
//
// Both of one shape, or one [n, h, w, c] and the other [n, 1, 1, c], a gate per image and channel
// (squeeze and excite).
#pragma once

#include "nn/op.h"

namespace octet::nn {

class MulOp : public Op {
 public:
  const char* name() const override { return "mul"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  double least_output_scale(std::span<const QParams> inputs) const override;
  engine::ValueId lower(const Lowering& layer) const override;
};

Tensor mul(const Tensor& a, const Tensor& b);

}  // namespace octet::nn
