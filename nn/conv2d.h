// conv2d: 2-D convolution.
//
//   x: f32 [n, h, w, in_c], weight: f32 [out_c, kh, kw, in_c / groups], bias: f32 [out_c]
//   y: f32 [n, oh, ow, out_c]
//   oh = floor((h + 2 * padding - dilation * (kh - 1) - 1) / stride) + 1
//
// Outside the image x counts as 0. The formula: kernels/conv_f32.h, and kernels/depthwise_f32.h
// when groups == in_c == out_c.
#pragma once

#include "nn/module.h"
#include "nn/op.h"
#include "nn/window2d.h"

namespace octet::nn {

struct Conv2dOptions {
  Size2 kernel_size = 1;
  Size2 stride = 1;
  Size2 padding = 0;
  Size2 dilation = 1;
  int64_t groups = 1;
  bool bias = true;
};

// Inputs: x, weight[, bias].
class Conv2dOp : public Op {
 public:
  explicit Conv2dOp(const Conv2dOptions& options);
  const char* name() const override { return "conv2d"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  bool has_weight() const override { return true; }
  kernels::Conv2dGeometry conv_geometry(const Tensor& x, const Tensor& weight) const override;
  bool takes_activation() const override { return true; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  Window2d window_;
  int64_t groups_;
};

// torch.nn.Conv2d. Weight and bias start uniform in +-1 / sqrt(in_c / groups * kh * kw).
class Conv2d : public Module {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, const Conv2dOptions& options);
  Tensor forward(const Tensor& x) override;

  Tensor weight;
  Tensor bias;  // undefined without

 private:
  std::shared_ptr<const Conv2dOp> op_;
};

}  // namespace octet::nn
