// linear: y[i, o] = bias[o] + sum_k x[i, k] * weight[o, k].
//
// x: f32 [..., in_features], weight: f32 [out_features, in_features], bias: f32 [out_features];
// y: f32 [..., out_features]. The formula: kernels/conv_f32.h.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

struct LinearOptions {
  bool bias = true;
};

// Inputs: x, weight[, bias].
class LinearOp : public Op {
 public:
  const char* name() const override { return "linear"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  bool has_weight() const override { return true; }
  kernels::Conv2dGeometry conv_geometry(const Tensor& x, const Tensor& weight) const override;
  bool takes_activation() const override { return true; }
  bool has_dynamic() const override { return true; }
  engine::ValueId lower(const Lowering& layer) const override;
};

// torch.nn.Linear. Weight and bias start uniform in +-1 / sqrt(in_features).
class Linear : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});
  // With a weight that is another module's, too: tied. bias: its own, or undefined for none.
  Linear(const Tensor& weight, const Tensor& bias);
  Tensor forward(const Tensor& x) override;

  Tensor weight;
  Tensor bias;  // undefined without
};

}  // namespace octet::nn
