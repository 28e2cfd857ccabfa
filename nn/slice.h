// slice: a range of the channels, y = x[..., begin:end]; what torch.chunk and x[:, a:b] of images
// are here.
//
// x: f32 [..., c], y: f32 [..., end - begin], 0 <= begin < end <= c.
#pragma once

#include "nn/op.h"

namespace octet::nn {

class SliceOp : public Op {
 public:
  SliceOp(int64_t begin, int64_t end) : begin_(begin), end_(end) {}
  const char* name() const override { return "slice"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  int64_t begin_, end_;
};

Tensor slice_channels(const Tensor& x, int64_t begin, int64_t end);

}  // namespace octet::nn
