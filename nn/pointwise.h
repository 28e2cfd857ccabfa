// pointwise: smooth activations, y = f(x) element by element; any shape, f32. The formulas:
// kernels/activation_f32.h.
//
// Quantized, f is a table of what becomes of each of the 256 integers, with a scale of its own for
// the result. It is a constant of the program, computed once, in double, when the layer is lowered:
//   table[q] = quantize(f32(f((q - x_zero_point) * x_scale)))              base/qparams.h
#pragma once

#include "kernels/activation_f32_ref.h"
#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// One of them: what PointwiseOp runs.
struct Curve {
  const char* name;
  void (*value)(const float* x, float* y, size_t n) noexcept;
  void (*gradient)(const float* kept, const float* dy, float* dx, size_t n) noexcept;
  bool keeps_y;  // gradient takes y, else x
  kernels::ref::activation_f32::Bounded (*exact)(double x);
};

class PointwiseOp : public Op {
 public:
  // curve: an object that lives forever.
  explicit PointwiseOp(const Curve& curve) : curve_(curve) {}
  const char* name() const override { return curve_.name; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  const Curve& curve_;
};

Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor gelu(const Tensor& x);  // with erf, PyTorch's default
Tensor silu(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);

// torch.nn.Sigmoid, Tanh, GELU, SiLU, Hardsigmoid, Hardswish.
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

class SiLU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return silu(x); }
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
