// pointwise: smooth activations, y = f(x) element by element; any shape, f32. The formulas:
// kernels/activation_f32.h.
#pragma once

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// One of them: what PointwiseOp runs.
struct Curve {
  const char* name;
  void (*value)(const float* x, float* y, size_t n) noexcept;
  void (*gradient)(const float* kept, const float* dy, float* dx, size_t n) noexcept;
  bool keeps_y;  // gradient takes y, else x
};

class PointwiseOp : public UnloweredOp {
 public:
  // curve: an object that lives forever.
  explicit PointwiseOp(const Curve& curve) : curve_(curve) {}
  const char* name() const override { return curve_.name; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  const Curve& curve_;
};

Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor gelu(const Tensor& x);  // with erf, PyTorch's default
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);

// torch.nn.Sigmoid, Tanh, GELU, Hardsigmoid, Hardswish.
class Sigmoid : public Module {
 public:
  Tensor forward(const Tensor& x) override { return sigmoid(x); }
};

class Tanh : public Module {
 public:
  Tensor forward(const Tensor& x) override { return tanh(x); }
};

class GELU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return gelu(x); }
};

class Hardsigmoid : public Module {
 public:
  Tensor forward(const Tensor& x) override { return hardsigmoid(x); }
};

class Hardswish : public Module {
 public:
  Tensor forward(const Tensor& x) override { return hardswish(x); }
};

}  // namespace octet::nn
