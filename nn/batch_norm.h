// batch_norm: y = (x - mean[c]) / sqrt(var[c] + eps) * weight[c] + bias[c].
//
// x, y: f32 [n, h, w, c]. In eval mode mean and var are the running statistics. In training mode
// they are the batch's (var biased), and running = (1 - momentum) * running + momentum * batch's,
// with the unbiased variance, as in PyTorch.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

struct BatchNormOptions {
  float eps = 1e-5f;
  float momentum = 0.1f;
};

// Inputs: x, weight, bias, running_mean, running_var; the last two are written in training mode.
class BatchNormOp : public Op {
 public:
  BatchNormOp(const BatchNormOptions& options, bool training);
  const char* name() const override { return "batch_norm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  // Standing alone it is a depthwise 1x1 convolution.
  bool takes_activation() const override { return true; }
  std::optional<ChannelAffine> channel_affine(std::span<const Tensor> inputs) const override;
  // Lowering::weight: [c, 1, 1, 1].
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  BatchNormOptions options_;
  bool training_;
};

// torch.nn.BatchNorm2d: weight and running_var start as 1, bias and running_mean as 0.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t num_features, const BatchNormOptions& options = {});
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;
  Tensor running_mean, running_var;
  Tensor num_batches_tracked;  // s64, a scalar

 private:
  BatchNormOptions options_;
};

}  // namespace octet::nn
