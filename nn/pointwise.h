// pointwise: activations that are curves, y = f(x) element by element; any shape, f32. The
// formulas: kernels/activation_f32.h.
//
// Quantized, f is a table of what becomes of each of the 256 integers, with a scale of its own for
// the result. It is a constant of the program, computed once, in double, when the layer is lowered:
//   table[q] = quantize(f32(f((q - x_zero_point) * x_scale)))              base/qparams.h
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

// One of them: what PointwiseOp runs.
struct Curve {
  const char* name;
  std::function<void(const float* x, float* y, size_t n)> value;
  std::function<void(const float* kept, const float* dy, float* dx, size_t n)> gradient;
  bool keeps_y;  // gradient takes y, else x
  std::function<double(double x)> exact;
  std::vector<engine::Attribute> attributes = {};  // of the instruction
  std::optional<QParams> fixed_qparams = {};       // Op::fixed_qparams
};

class PointwiseOp : public Op {
 public:
  explicit PointwiseOp(Curve curve) : curve_(std::move(curve)) {}
  const char* name() const override { return curve_.name; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;
  QuantRole quant_role() const override { return QuantRole::observed; }
  std::optional<QParams> fixed_qparams() const override { return curve_.fixed_qparams; }
  engine::ValueId lower(const Lowering& layer) const override;

 private:
  Curve curve_;
};

Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor gelu(const Tensor& x);  // with erf, PyTorch's default
Tensor silu(const Tensor& x);
Tensor hardsigmoid(const Tensor& x);
Tensor hardswish(const Tensor& x);
// Both parameters are finite.
Tensor leaky_relu(const Tensor& x, float negative_slope = 0.01f);
Tensor elu(const Tensor& x, float alpha = 1.0f);

// torch.nn.Sigmoid, Tanh, GELU, SiLU, Hardsigmoid, Hardswish, LeakyReLU, ELU.
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

class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(float negative_slope = 0.01f) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& x) override { return leaky_relu(x, negative_slope_); }

 private:
  float negative_slope_;
};

class ELU : public Module {
 public:
  explicit ELU(float alpha = 1.0f) : alpha_(alpha) {}
  Tensor forward(const Tensor& x) override { return elu(x, alpha_); }

 private:
  float alpha_;
};

}  // namespace octet::nn
