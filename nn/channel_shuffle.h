// channel_shuffle: mixes groups of channels, as torch.nn.ChannelShuffle: the channels as a matrix
// [groups, c / groups] are transposed.
//
//   y[..., j * groups + g] = x[..., g * (c / groups) + j]
//
// x: f32 [..., c], c a multiple of groups; y of the same shape.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

class ChannelShuffleOp : public Op {
 public:
  explicit ChannelShuffleOp(int64_t groups);
  const char* name() const override { return "channel_shuffle"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::pass_through; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  int64_t groups_;
};

Tensor channel_shuffle(const Tensor& x, int64_t groups);

class ChannelShuffle : public Module {
 public:
  explicit ChannelShuffle(int64_t groups) : op_(std::make_shared<ChannelShuffleOp>(groups)) {}
  Tensor forward(const Tensor& x) override { return apply_one(op_, {x}); }

 private:
  std::shared_ptr<const ChannelShuffleOp> op_;
};

}  // namespace octet::nn
