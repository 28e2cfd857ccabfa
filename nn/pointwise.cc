#include "nn/pointwise.h"

#include "kernels/activation_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

namespace kernel = kernels::activation_f32;
namespace exact = kernels::ref::activation_f32;

constexpr Curve kSigmoid{"sigmoid", kernel::sigmoid, kernel::sigmoid_gradient, true,
                         exact::sigmoid};
constexpr Curve kTanh{"tanh", kernel::tanh, kernel::tanh_gradient, true, exact::tanh};
constexpr Curve kGelu{"gelu", kernel::gelu, kernel::gelu_gradient, false, exact::gelu};
constexpr Curve kSilu{"silu", kernel::silu, kernel::silu_gradient, false, exact::silu};
constexpr Curve kHardsigmoid{"hardsigmoid", kernel::hardsigmoid, kernel::hardsigmoid_gradient,
                             false, exact::hardsigmoid};
constexpr Curve kHardswish{"hardswish", kernel::hardswish, kernel::hardswish_gradient, false,
                           exact::hardswish};

// What becomes of every integer.
std::vector<uint8_t> table_of(const Curve& curve, const QParams& x, const QParams& y) {
  std::vector<uint8_t> table(256);
  const float inverse = 1.0f / y.scale;
  for (int32_t q = 0; q < 256; ++q) {
    const double value = curve.exact((q - x.zero_point) * double{x.scale}).value;
    table[static_cast<size_t>(q)] =
        static_cast<uint8_t>(quantize_value(static_cast<float>(value), inverse, y));
  }
  return table;
}

Tensor apply_curve(const Curve& curve, const Tensor& x) {
  return apply_one(std::make_shared<PointwiseOp>(curve), {x});
}

}  // namespace

std::vector<Tensor> PointwiseOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, x.rank());
  Tensor y = Tensor::empty(x.shape());
  run_elements(x.elements(), [&](size_t begin, size_t n) {
    curve_.value(x.data<float>() + begin, y.data<float>() + begin, n);
  });
  return {y};
}

std::vector<Tensor> PointwiseOp::forward_saving(std::span<const Tensor> inputs,
                                                std::vector<Tensor>& saved) const {
  std::vector<Tensor> y = forward(inputs);
  saved = {curve_.keeps_y ? y[0] : inputs[0]};
  return y;
}

std::vector<Tensor> PointwiseOp::backward(const BackwardArgs& args) const {
  const Tensor &kept = args.saved[0], &dy = args.dy[0];
  Tensor dx = result_like(dy);
  run_elements(dy.elements(), [&](size_t begin, size_t n) {
    curve_.gradient(kept.data<float>() + begin, dy.data<float>() + begin, dx.data<float>() + begin,
                    n);
  });
  return {dx};
}

engine::ValueId PointwiseOp::lower(const Lowering& layer) const {
  if (!layer.quantization) return lower_observed(name(), layer, 1);
  check_lowering(name(), layer, 1);
  engine::Program& program = *layer.program;
  const QParams x = *program.values[layer.inputs[0]].qparams, y = layer.quantization->output;
  const std::vector<uint8_t> table = table_of(curve_, x, y);
  const engine::ValueId constant =
      program.add_constant(layer.name + ".table", DType::u8, {256}, table.data());
  const engine::ValueId output =
      program.add_activation(layer.name, DType::u8, layer.output_shape, y);
  program.add_instruction("table", layer.name, {layer.inputs[0], constant}, {output});
  return output;
}

Tensor sigmoid(const Tensor& x) { return apply_curve(kSigmoid, x); }
Tensor tanh(const Tensor& x) { return apply_curve(kTanh, x); }
Tensor gelu(const Tensor& x) { return apply_curve(kGelu, x); }
Tensor silu(const Tensor& x) { return apply_curve(kSilu, x); }
Tensor hardsigmoid(const Tensor& x) { return apply_curve(kHardsigmoid, x); }
Tensor hardswish(const Tensor& x) { return apply_curve(kHardswish, x); }

}  // namespace octet::nn
