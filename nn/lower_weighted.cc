#include "nn/lower_weighted.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "nn/op_support.h"

namespace octet::nn {
namespace {

using engine::ValueId;

// Bias and sum of products are both kept below it, so that their sum is an s32.
constexpr double kLargestBias = 0x1p30;

std::vector<ValueId> quantized_constants(const Lowering& layer) {
  engine::Program& program = *layer.program;
  const LayerQuantization& quantization = *layer.quantization;
  OCTET_CHECK(static_cast<int64_t>(quantization.weight_scale.size()) == layer.weight.dim(0),
              layer.name, ": ", quantization.weight_scale.size(), " weight scales for ",
              layer.weight.dim(0), " output channels");
  const Tensor weight = quantize_weight(layer.weight, quantization);
  const Tensor bias = quantize_bias(layer, program.values[layer.inputs[0]].qparams->scale);
  return {program.add_constant(layer.name + ".weight", DType::s8, weight.shape(), weight.raw()),
          program.add_constant(layer.name + ".bias", DType::s32, bias.shape(), bias.raw()),
          program.add_constant(layer.name + ".weight_scale", DType::f32, bias.shape(),
                               quantization.weight_scale.data())};
}

}  // namespace

std::vector<ValueId> weight_constants(const Lowering& layer, const std::string& name,
                                      const Tensor& weight) {
  engine::Program& program = *layer.program;
  const auto add = [&](const Tensor& t) {
    return program.add_constant(name + ".weight", t.dtype(), t.shape(), t.raw());
  };
  if (!layer.weight_scales) return {add(weight)};
  LayerQuantization quantization;
  quantization.weight_scale = layer.weight_scales(weight);
  return {add(quantize_weight(weight, quantization)),
          program.add_constant(name + ".weight_scale", DType::f32, {weight.dim(0)},
                               quantization.weight_scale.data())};
}

std::vector<ValueId> product_constants(const Lowering& layer, const std::string& name,
                                       const Tensor& weight, const Tensor& bias) {
  const Tensor b = bias.defined() ? bias : Tensor::zeros({weight.dim(0)});
  std::vector<ValueId> ids = weight_constants(layer, name, weight);
  ids.insert(ids.begin() + 1,
             layer.program->add_constant(name + ".bias", DType::f32, b.shape(), b.raw()));
  return ids;
}

Tensor quantize_weight(const Tensor& weight, const LayerQuantization& quantization) {
  Tensor q = Tensor::zeros(weight.shape(), DType::s8);
  const int64_t out_c = weight.dim(0);
  const int64_t taps = out_c > 0 ? weight.elements() / out_c : 0;
  for (int64_t o = 0; o < out_c; ++o) {
    const float scale = quantization.weight_scale[o];
    const QParams qparams{scale, 0, quantization.weight_quant_min, quantization.weight_quant_max};
    const float* from = weight.data<float>() + o * taps;
    int8_t* to = q.data<int8_t>() + o * taps;
    for (int64_t i = 0; i < taps; ++i) {
      to[i] = static_cast<int8_t>(quantize_value(from[i], 1.0f / scale, qparams));
    }
  }
  return q;
}

Tensor quantize_bias(const Lowering& layer, float x_scale) {
  Tensor q = Tensor::zeros({layer.weight.dim(0)}, DType::s32);
  if (!layer.bias.defined()) return q;
  for (int64_t o = 0; o < q.dim(0); ++o) {
    const double scale = static_cast<double>(x_scale) * layer.quantization->weight_scale[o];
    const double rounded = std::nearbyint(layer.bias.data<float>()[o] / scale);
    OCTET_CHECK(!std::isnan(rounded), layer.name, ": bias ", o, " is not a number");
    q.data<int32_t>()[o] = static_cast<int32_t>(std::clamp(rounded, -kLargestBias, kLargestBias));
  }
  return q;
}

ValueId lower_weighted(const char* op, const Lowering& layer,
                       std::vector<engine::Attribute> attributes) {
  check_lowering(op, layer, 1);
  OCTET_CHECK(layer.weight.defined(), op, ": ", layer.name, ": no weight");
  std::vector<ValueId> inputs = layer.inputs;
  for (ValueId id : layer.quantization
                        ? quantized_constants(layer)
                        : product_constants(layer, layer.name, layer.weight, layer.bias))
    inputs.push_back(id);
  std::optional<QParams> output;
  if (layer.quantization) output = layer.quantization->output;
  for (engine::Attribute& range : range_attributes(layer.range, output)) {
    attributes.push_back(std::move(range));
  }
  const ValueId y = layer.program->add_activation(layer.name, output ? DType::u8 : DType::f32,
                                                  layer.output_shape, output);
  layer.program->add_instruction(op, layer.name, std::move(inputs), {y}).attributes =
      std::move(attributes);
  return y;
}

}  // namespace octet::nn
