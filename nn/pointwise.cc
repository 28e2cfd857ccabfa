#include "nn/pointwise.h"

#include <cmath>
#include <utility>

#include "kernels/activation_f32.h"
#include "kernels/activation_f32_ref.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

namespace kernel = kernels::activation_f32;
namespace exact = kernels::ref::activation_f32;

// torch.ao.quantization's fixed qparams, of results in 0..1 and in -1..1.
constexpr QParams kFixed0To1 = {1.0f / 256, 0, 0, 255}, kFixedNeg1To1 = {2.0f / 256, 128, 0, 255};

// A curve without parameters: the kernel's functions, and the specification in double.
template <exact::Bounded (*kExact)(double)>
double value_of(double x) {
  return kExact(x).value;
}

// What becomes of every integer.
std::vector<uint8_t> table_of(const Curve& curve, const QParams& x, const QParams& y) {
  std::vector<uint8_t> table(256);
  const float inverse = 1.0f / y.scale;
  for (int32_t q = 0; q < 256; ++q) {
    const double value = curve.exact((q - x.zero_point) * double{x.scale});
    table[static_cast<size_t>(q)] =
        static_cast<uint8_t>(quantize_value(static_cast<float>(value), inverse, y));
  }
  return table;
}

Tensor apply_curve(Curve curve, const Tensor& x) {
  return apply_one(std::make_shared<PointwiseOp>(std::move(curve)), {x});
}

// A curve with a parameter, which the instruction has as an attribute of that name.
struct Parameter {
  const char* name;
  float value;
};
using Value = void(const float* x, float* y, size_t n, float parameter);
using Gradient = void(const float* x, const float* dy, float* dx, size_t n, float parameter);
using Exact = exact::Bounded(double x, double parameter);

Curve with_parameter(const char* name, const Parameter& parameter, Value* value, Gradient* gradient,
                     Exact* exact) {
  const float p = parameter.value;
  OCTET_CHECK(std::isfinite(p), name, ": ", parameter.name, " is ", p);
  return {name,
          [=](const float* x, float* y, size_t n) { value(x, y, n, p); },
          [=](const float* x, const float* dy, float* dx, size_t n) { gradient(x, dy, dx, n, p); },
          /*keeps_y=*/false,
          [=](double x) { return exact(x, p).value; },
          {{parameter.name, p}}};
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
  if (!layer.quantization) return lower_observed(name(), layer, 1, curve_.attributes);
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

Tensor sigmoid(const Tensor& x) {
  return apply_curve({"sigmoid",
                      kernel::sigmoid,
                      kernel::sigmoid_gradient,
                      /*keeps_y=*/true,
                      value_of<exact::sigmoid>,
                      {},
                      kFixed0To1},
                     x);
}

Tensor tanh(const Tensor& x) {
  return apply_curve({"tanh",
                      kernel::tanh,
                      kernel::tanh_gradient,
                      /*keeps_y=*/true,
                      value_of<exact::tanh>,
                      {},
                      kFixedNeg1To1},
                     x);
}

Tensor gelu(const Tensor& x) {
  return apply_curve(
      {"gelu", kernel::gelu, kernel::gelu_gradient, /*keeps_y=*/false, value_of<exact::gelu>}, x);
}

Tensor silu(const Tensor& x) {
  return apply_curve(
      {"silu", kernel::silu, kernel::silu_gradient, /*keeps_y=*/false, value_of<exact::silu>}, x);
}

Tensor hardsigmoid(const Tensor& x) {
  return apply_curve({"hardsigmoid",
                      kernel::hardsigmoid,
                      kernel::hardsigmoid_gradient,
                      /*keeps_y=*/false,
                      value_of<exact::hardsigmoid>,
                      {},
                      kFixed0To1},
                     x);
}

Tensor hardswish(const Tensor& x) {
  return apply_curve({"hardswish", kernel::hardswish, kernel::hardswish_gradient, /*keeps_y=*/false,
                      value_of<exact::hardswish>},
                     x);
}

Tensor leaky_relu(const Tensor& x, float negative_slope) {
  return apply_curve(
      with_parameter("leaky_relu", {"negative_slope", negative_slope}, kernel::leaky_relu,
                     kernel::leaky_relu_gradient, exact::leaky_relu),
      x);
}

Tensor elu(const Tensor& x, float alpha) {
  return apply_curve(
      with_parameter("elu", {"alpha", alpha}, kernel::elu, kernel::elu_gradient, exact::elu), x);
}

}  // namespace octet::nn
