// avg_pool2d: the mean of each window. With count_include_pad the divisor is the window's size even
// where it hangs over the edge, else the number of positions inside the image.
//
// x: f32 [n, h, w, c]; y: f32 [n, oh, ow, c], sizes as PyTorch's without ceil_mode. The formula:
// kernels/pool_f32.h.
#pragma once

#include "kernels/pool_geometry.h"
#include "nn/module.h"
#include "nn/op.h"
#include "nn/window2d.h"

namespace octet::nn {

struct AvgPool2dOptions {
  Size2 kernel_size = 1;
  Size2 stride = 0;  // 0: the kernel's
  Size2 padding = 0;
  bool count_include_pad = true;
};

class AvgPool2dOp : public Op {
 public:
  explicit AvgPool2dOp(const AvgPool2dOptions& options);
  const char* name() const override { return "avg_pool2d"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  kernels::PoolGeometry geometry(const Tensor& x) const;

  Window2d window_;
  bool count_include_pad_;
};

Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options);

// torch.nn.AvgPool2d.
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(const AvgPool2dOptions& options)
      : op_(std::make_shared<AvgPool2dOp>(options)) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const AvgPool2dOp> op_;
};

}  // namespace octet::nn
