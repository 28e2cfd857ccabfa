#include "nn/op_support.h"

#include <cmath>
#include <utility>

namespace octet::nn {

void check_inputs(const char* op, std::span<const Tensor> inputs, size_t at_least, size_t at_most) {
  OCTET_CHECK(inputs.size() >= at_least && inputs.size() <= at_most, op, ": ", inputs.size(),
              " inputs");
}

void check_f32(const char* op, const char* what, const Tensor& t, int rank) {
  OCTET_CHECK(t.dtype() == DType::f32 && t.rank() == rank, op, ": ", what, " is ",
              name_of(t.dtype()), " ", t.shape().text(), ", expects f32 with ", rank,
              " dimensions");
}

void check_channels(const char* op, const char* what, const Tensor& t, int64_t channels) {
  check_f32(op, what, t, 1);
  OCTET_CHECK(t.dim(0) == channels, op, ": ", what, " has ", t.dim(0), " elements, expects ",
              channels);
}

int64_t check_rows(const char* op, const char* what, const Tensor& t) {
  OCTET_CHECK(t.dtype() == DType::f32 && t.rank() > 0 && t.dim(t.rank() - 1) > 0, op, ": ", what,
              " is ", name_of(t.dtype()), " ", t.shape().text(),
              ", expects f32 with elements in the last dimension");
  return t.dim(t.rank() - 1);
}

int check_dim(const char* op, int dim, int rank) {
  OCTET_CHECK(-rank <= dim && dim < rank, op, ": dim is ", dim, ", input has ", rank,
              " dimensions");
  return dim < 0 ? dim + rank : dim;
}

engine::ValueId UnloweredOp::lower(const Lowering& layer) const {
  fail(name(), ": ", layer.name, ": can't be lowered to the engine yet");
}

Tensor result_like(const Tensor& dy) { return dy.is_exclusive() ? dy : Tensor::empty(dy.shape()); }

engine::ValueId lower_unary(const char* op, const Lowering& layer,
                            std::vector<engine::Attribute> attributes) {
  OCTET_CHECK(layer.inputs.size() == 1, op, ": ", layer.name, ": ", layer.inputs.size(),
              " activations, expects 1");
  const engine::Value& x = layer.program->values[layer.inputs[0]];
  const DType dtype = x.dtype;
  const std::optional<QParams> qparams = x.qparams;
  const engine::ValueId y =
      layer.program->add_activation(layer.name, dtype, layer.output_shape, qparams);
  layer.program->add_instruction(op, layer.name, layer.inputs, {y}).attributes =
      std::move(attributes);
  return y;
}

engine::ValueId lower_observed(const char* op, const Lowering& layer, size_t inputs,
                               std::vector<engine::Attribute> attributes) {
  check_lowering(op, layer, inputs);
  std::optional<QParams> output;
  if (layer.quantization) output = layer.quantization->output;
  const engine::ValueId y = layer.program->add_activation(
      layer.name, output ? DType::u8 : DType::f32, layer.output_shape, output);
  layer.program->add_instruction(op, layer.name, layer.inputs, {y}).attributes =
      std::move(attributes);
  return y;
}

std::vector<engine::Attribute> range_attributes(const ClampRange& range,
                                                const std::optional<QParams>& output) {
  std::vector<engine::Attribute> attributes;
  if (!output) {
    if (std::isfinite(range.lo)) attributes.push_back({"lo", range.lo});
    if (std::isfinite(range.hi)) attributes.push_back({"hi", range.hi});
    return attributes;
  }
  // quantize_value keeps within the output's own range.
  const float inverse = 1.0f / output->scale;
  const int64_t lo =
      std::isfinite(range.lo) ? quantize_value(range.lo, inverse, *output) : output->quant_min;
  const int64_t hi =
      std::isfinite(range.hi) ? quantize_value(range.hi, inverse, *output) : output->quant_max;
  return {{"quant_min", lo}, {"quant_max", hi}};
}

void check_lowering(const char* op, const Lowering& layer, size_t inputs) {
  OCTET_CHECK(layer.inputs.size() == inputs, op, ": ", layer.name, ": ", layer.inputs.size(),
              " activations, expects ", inputs);
  const DType expected = layer.quantization ? DType::u8 : DType::f32;
  for (engine::ValueId id : layer.inputs) {
    const engine::Value& value = layer.program->values[id];
    OCTET_CHECK(value.dtype == expected && value.qparams.has_value() == (expected == DType::u8), op,
                ": ", layer.name, ": input is ", name_of(value.dtype), ", expects ",
                name_of(expected));
  }
}

}  // namespace octet::nn
