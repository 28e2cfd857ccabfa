// add: y = a + b, element by element; f32, both of one shape. Quantized: kernels/add_u8.h.
#pragma once

#include "nn/op.h"

namespace octet::nn {

class AddOp : public Op {
 public:
  const char* name() const override { return "add"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    return {args.dy[0], args.dy[0]};
  }
  QuantRole quant_role() const override { return QuantRole::observed; }
  bool takes_activation() const override { return true; }
  bool is_elementwise_sum() const override { return true; }
  double least_output_scale(std::span<const QParams> inputs) const override;
  engine::ValueId lower(const Lowering& layer) const override;
};

Tensor add(const Tensor& a, const Tensor& b);

}  // namespace octet::nn
