// embedding: rows of a table, y[..., :] = weight[indices[...], :].
//
// indices: s64 [...], each in [0, num_embeddings), else octet::Error names it; weight: f32
// [num_embeddings, embedding_dim]; y: f32 [..., embedding_dim]. A program gives NaN instead of an
// error.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// Inputs: indices, weight.
class EmbeddingOp : public Op {
 public:
  const char* name() const override { return "embedding"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves the indices.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  // A table in s8 with a scale per row.
  QuantRole quant_role() const override { return QuantRole::weight_only; }
  bool has_dynamic() const override { return true; }
  std::vector<size_t> weight_inputs() const override { return {1}; }
  engine::ValueId lower(const Lowering& layer) const override;
};

// torch.nn.Embedding. The weight starts with mean 0 and variance 1.
class Embedding : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim);
  Tensor forward(const Tensor& indices) override;

  Tensor weight;
};

}  // namespace octet::nn
