#include "quant/convert.h"

#include "quant/layer_lowering.h"
#include "quant/layer_plan.h"

namespace octet::quant {

Conversion convert(const PreparedModel& prepared) {
  const nn::Graph& graph = prepared.graph();
  const ModelPlan plan = plan_layers(prepared);
  LayerLowering lowering(prepared, plan);
  Conversion result;
  for (const int input : graph.inputs) lowering.add_input(input, graph.values[input].dtype);
  for (size_t g = 0; g < plan.layers.size(); ++g) {
    lowering.add_layer(g);
    const nn::GraphNode& node = graph.nodes[prepared.groups().groups[g].main];
    const bool quantized = prepared.is_quantized(g) || prepared.is_weight_only(g);
    result.layers.push_back(
        {plan.layers[g].layer.name, node.op->name(), quantized, plan.layers[g].note});
  }
  const engine::ValueId output = lowering.as(graph.outputs[0], DType::f32);
  lowering.program().outputs.push_back(output);
  result.program = std::move(lowering.program());
  return result;
}

}  // namespace octet::quant
