#include "nn/add.h"

#include "kernels/elementwise_f32.h"
#include "nn/op_support.h"

namespace octet::nn {

std::vector<Tensor> AddOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor& a = inputs[0];
  const Tensor& b = inputs[1];
  check_f32(name(), "first input", a, a.rank());
  check_f32(name(), "second input", b, b.rank());
  OCTET_CHECK(a.shape() == b.shape(), name(), ": shapes ", a.shape().text(), " and ",
              b.shape().text(), " differ");
  Tensor y = Tensor::empty(a.shape());
  const ClampRange all;
  run_elements(a.elements(), [&](size_t begin, size_t n) {
    kernels::elementwise_f32::add(a.data<float>() + begin, b.data<float>() + begin,
                                  y.data<float>() + begin, n, all.lo, all.hi);
  });
  return {y};
}

engine::ValueId AddOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 2);
  std::optional<QParams> output;
  if (layer.quantization) output = layer.quantization->output;
  const engine::ValueId y = layer.program->add_activation(
      layer.name, output ? DType::u8 : DType::f32, layer.output_shape, output);
  layer.program->add_instruction("add", layer.name, layer.inputs, {y}).attributes =
      range_attributes(layer.range, output);
  return y;
}

Tensor add(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<AddOp>(), {a, b});
}

}  // namespace octet::nn
