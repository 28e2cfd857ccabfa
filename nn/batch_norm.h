// batch_norm: y = (x - mean[c]) / sqrt(var[c] + eps) * weight[c] + bias[c].
//
// x, y: f32 [n, h, w, c]. In eval mode mean and var are the running statistics. In training mode
// they are the batch's (var biased), and running = (1 - momentum) * running + momentum * batch's,
// with the unbiased variance, as in PyTorch.
#pragma once

#include "nn/module.h"
#include "nn/norm_kernels.h"
#include "nn/op.h"

namespace octet::nn {

// The five inputs of a batch norm; all but x f32 [channels].
struct BatchNormInputs {
  Tensor x, weight, bias, running_mean, running_var;
};

// One pass of a batch norm over x, as its backward pass needs it: y = x * scale + shift. What is
// fused behind it (a clamp, a quantization) is the caller's: backward() is told by its gate.
struct BatchNormPass {
  Tensor x;                  // f32 [..., channels]
  Tensor mean, inverse_std;  // f32 [channels]: 1 / sqrt(var + eps)
  Tensor scale, shift;       // f32 [channels]
  bool training = false;     // mean and variance are those of x; else they are constants
  Tensor min, max;           // f32 [channels]: of x; in training only

  struct Gradients {
    Tensor x, weight, bias;
  };
  // range and qparams (null for none): what was fused behind y.
  Gradients backward(const Tensor& dy, const ClampRange& range, const QParams* qparams) const;
  kernels::batch_norm_f32::Affine affine(const ClampRange& range) const {
    return {scale.data<float>(), shift.data<float>(), range.lo, range.hi};
  }
};
// In training the running statistics move. Throws octet::Error when training has but one row.
BatchNormPass batch_norm_pass(const BatchNormOptions& options, bool training,
                              const BatchNormInputs& inputs);

// Inputs: x, weight, bias, running_mean, running_var; the last two are written in training mode.
class BatchNormOp : public Op {
 public:
  BatchNormOp(const BatchNormOptions& options, bool training);
  const char* name() const override { return "batch_norm"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  // Standing alone it is a depthwise 1x1 convolution.
  bool takes_activation() const override { return true; }
  std::optional<ChannelAffine> channel_affine(std::span<const Tensor> inputs) const override;
  // Lowering::weight: [c, 1, 1, 1].
  engine::ValueId lower(const Lowering& layer) const override;

  const BatchNormOptions* batch_norm() const override { return &options_; }

 private:
  BatchNormPass pass(std::span<const Tensor> inputs) const;

  BatchNormOptions options_;
  bool training_;
};

// torch.nn.BatchNorm2d: weight and running_var start as 1, bias and running_mean as 0.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(int64_t num_features, const BatchNormOptions& options = {});
  Tensor forward(const Tensor& x) override;
  // Of the passes to come.
  void set_momentum(float momentum) { options_.momentum = momentum; }
  const BatchNormOptions& options() const { return options_; }

  Tensor weight, bias;
  Tensor running_mean, running_var;
  Tensor num_batches_tracked;  // s64, a scalar

 private:
  BatchNormOptions options_;
};

}  // namespace octet::nn
