// matmul: products of matrices, y[..., i, j] = sum_k a[..., i, k] * b[..., k, j].
//
// a: f32 [..., m, k], b: f32 [..., k, n], the outer dimensions equal; y: f32 [..., m, n]. With a
// weight that all share, linear.h is faster.
#pragma once

#include "nn/op.h"

namespace octet::nn {

class MatmulOp : public UnloweredOp {
 public:
  const char* name() const override { return "matmul"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
};

Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace octet::nn
