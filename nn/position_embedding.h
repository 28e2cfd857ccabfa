// position_embedding: y[n, t, :] = x[n, t, :] + weight[t, :], what a model learned of positions.
//
// x, y: f32 [n, t, d]; weight: f32 [positions, d], t <= positions.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// Inputs: x, weight.
class PositionEmbeddingOp : public Op {
 public:
  const char* name() const override { return "position_embedding"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>&) const override {
    return forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  // "add_constant": the program holds the positions that it has.
  engine::ValueId lower(const Lowering& layer) const override;
};

// torch.nn.Embedding of the positions 0 to t - 1, added. The weight starts with mean 0 and variance
// 1.
class PositionEmbedding : public Module {
 public:
  PositionEmbedding(int64_t positions, int64_t embedding_dim);
  Tensor forward(const Tensor& x) override;

  Tensor weight;
};

}  // namespace octet::nn
