// max_pool2d: the largest element of each window; positions outside the image are left out.
//
// x: f32 [n, h, w, c]; y: f32 [n, oh, ow, c], sizes as PyTorch's. The formula: kernels/pool_f32.h.
// The gradient goes to the first of equal maxima, row by row; that of a NaN to nobody.
#pragma once

#include "nn/module.h"
#include "nn/op.h"
#include "nn/window2d.h"

namespace octet::nn {

struct MaxPool2dOptions {
  Size2 kernel_size = 1;
  Size2 stride = 0;  // 0: the kernel's
  Size2 padding = 0;
  Size2 dilation = 1;
  bool ceil_mode = false;
};

class MaxPool2dOp : public Op {
 public:
  explicit MaxPool2dOp(const MaxPool2dOptions& options);
  const char* name() const override { return "max_pool2d"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves x and y, which the layers around it mostly keep anyway, rather than the places of the
  // maxima.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  Window2d window_;
};

Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options);

// torch.nn.MaxPool2d.
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(const MaxPool2dOptions& options)
      : op_(std::make_shared<MaxPool2dOp>(options)) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const MaxPool2dOp> op_;
};

}  // namespace octet::nn
