#include "quant/layer_lowering.h"

#include "base/error.h"

namespace octet::quant {

LayerLowering::LayerLowering(const PreparedModel& prepared, const ModelPlan& plan)
    : prepared_(prepared), plan_(plan), forms_(prepared.graph().values.size()) {}

void LayerLowering::add_input(int value, DType dtype) {
  value = prepared_.groups().alias[value];
  const bool quantized = dtype == DType::u8;
  const engine::ValueId id =
      program_.add_activation(plan_.names[value], dtype, prepared_.graph().values[value].shape,
                              quantized ? plan_.qparams[value] : std::nullopt);
  (quantized ? forms(value).u8 : forms(value).f32) = id;
  program_.inputs.push_back(id);
}

engine::ValueId LayerLowering::as(int value, DType dtype) {
  Forms& have = forms(value);
  std::optional<engine::ValueId>& wanted = dtype == DType::u8 ? have.u8 : have.f32;
  if (wanted) return *wanted;
  value = prepared_.groups().alias[value];
  const std::string& name = plan_.names[value];
  const auto& qparams = plan_.qparams[value];
  const bool quantize = dtype == DType::u8;
  OCTET_CHECK((quantize ? have.f32 : have.u8) && qparams, "convert: ", name,
              " is needed before it is computed");
  wanted = program_.add_activation(name, dtype, prepared_.graph().values[value].shape,
                                   quantize ? qparams : std::nullopt);
  const engine::ValueId from = quantize ? *have.f32 : *have.u8;
  program_.add_instruction(quantize ? "quantize" : "dequantize", name, {from}, {*wanted});
  return *wanted;
}

void LayerLowering::add_layer(size_t group) {
  const nn::LayerGroup& layer_group = prepared_.groups().groups[group];
  const nn::GraphNode& node = prepared_.graph().nodes[layer_group.main];
  const nn::QuantRole role = node.op->quant_role();
  if (role == nn::QuantRole::stub || role == nn::QuantRole::destub) {
    // A stub computes nothing; whoever needs integers behind it gets them from there.
    const engine::ValueId input = as(layer_group.inputs[0], DType::f32);
    forms(layer_group.output).f32 = input;
    return;
  }
  nn::Lowering layer = plan_.layers[group].layer;
  const DType dtype = layer.quantization ? DType::u8 : DType::f32;
  layer.program = &program_;
  for (int input : layer_group.inputs) layer.inputs.push_back(as(input, dtype));
  const engine::ValueId result = node.op->lower(layer);
  (dtype == DType::u8 ? forms(layer_group.output).u8 : forms(layer_group.output).f32) = result;
}

}  // namespace octet::quant
