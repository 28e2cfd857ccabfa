// layer_norm: y = (x - mean) / sqrt(var + eps) * weight + bias, mean and biased variance over the
// last dimension.
//
// x, y: f32 [..., d]; weight, bias: f32 [d]. How it rounds: kernels/layer_norm_f32.h.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

struct LayerNormOptions {
  float eps = 1e-5f;
};

// Inputs: x, weight, bias.
class LayerNormOp : public Op {
 public:
  explicit LayerNormOp(const LayerNormOptions& options) : eps_(options.eps) {}
  const char* name() const override { return "layer_norm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves x, weight, and mean and 1 / deviation of each row.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  float eps_;
};

// torch.nn.LayerNorm over one dimension; weight starts as 1, bias as 0.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t normalized_shape, const LayerNormOptions& options = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;

 private:
  std::shared_ptr<const LayerNormOp> op_;
};

}  // namespace octet::nn
