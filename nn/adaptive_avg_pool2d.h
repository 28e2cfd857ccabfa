// adaptive_avg_pool2d: means over windows that cut the image into output_size parts:
// [floor(i * in / out), ceil((i + 1) * in / out)) along each dimension.
//
// x: f32 [n, h, w, c]; y: f32 [n, output_size.h, output_size.w, c].
#pragma once

#include "kernels/pool_geometry.h"
#include "nn/module.h"
#include "nn/op.h"
#include "nn/window2d.h"

namespace octet::nn {

class AdaptiveAvgPool2dOp : public Op {
 public:
  explicit AdaptiveAvgPool2dOp(Size2 output_size);
  const char* name() const override { return "adaptive_avg_pool2d"; }
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

  Size2 output_size_;
};

Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size);

// torch.nn.AdaptiveAvgPool2d.
class AdaptiveAvgPool2d : public Module {
 public:
  explicit AdaptiveAvgPool2d(Size2 output_size)
      : op_(std::make_shared<AdaptiveAvgPool2dOp>(output_size)) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const AdaptiveAvgPool2dOp> op_;
};

}  // namespace octet::nn
