// attention: scaled dot-product attention with several heads; the formula: kernels/attention_f32.h.
//
// q, k, v, y: f32 [n, t, heads * size], the heads side by side. mask: s64 [n, t], 0 where a
// position is padding, which no position attends to: it never changes what the others give.
// torch.nn.functional.scaled_dot_product_attention of the heads, put side by side again.
#pragma once

#include "nn/op.h"

namespace octet::nn {

// Inputs: q, k, v[, mask].
class AttentionOp : public Op {
 public:
  explicit AttentionOp(int64_t heads);
  const char* name() const override { return "attention"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::unsupported; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  int64_t heads_;
};

// mask: undefined for none.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                 const Tensor& mask = {});

}  // namespace octet::nn
