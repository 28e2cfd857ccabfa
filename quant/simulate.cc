#include "quant/simulate.h"

#include "quant/layer_plan.h"
#include "quant/quantize_ops.h"
#include "quant/run_layer.h"

namespace octet::quant {
namespace {

// A value of the graph in one or both forms.
struct Forms {
  Tensor f32, u8;  // indices stand in f32's place
};

}  // namespace

Simulation simulate(const PreparedModel& prepared, std::span<const Tensor> model_inputs) {
  const nn::Graph& graph = prepared.graph();
  const nn::GroupedGraph& groups = prepared.groups();
  const ModelPlan plan = plan_layers(prepared);
  std::vector<Forms> values(graph.values.size());
  Simulation result;

  const auto store = [&](int value, const Tensor& tensor) {
    if (tensor.dtype() != DType::u8) {
      values[value].f32 = tensor;
    } else {
      values[value].u8 = tensor;
      result.integers.emplace_back(plan.names[value], tensor);
    }
  };
  const auto as = [&](int raw_value, DType dtype) {
    const int value = groups.alias[raw_value];
    Forms& have = values[value];
    if (dtype == DType::u8 && !have.u8.defined())
      store(value, quantize_values(have.f32, *plan.qparams[value]));
    if (dtype == DType::f32 && !have.f32.defined())
      store(value, dequantize_values(have.u8, *plan.qparams[value]));
    return dtype == DType::u8 ? have.u8 : have.f32;
  };

  for (size_t i = 0; i < model_inputs.size(); ++i)
    store(groups.alias[graph.inputs[i]], model_inputs[i]);
  for (size_t g = 0; g < groups.groups.size(); ++g) {
    const nn::LayerGroup& group = groups.groups[g];
    const nn::QuantRole role = graph.nodes[group.main].op->quant_role();
    if (role == nn::QuantRole::stub || role == nn::QuantRole::destub) {
      values[groups.alias[group.output]].f32 = as(group.inputs[0], DType::f32);
      continue;
    }
    const DType dtype = prepared.is_quantized(g) ? DType::u8 : DType::f32;
    std::vector<Tensor> inputs;
    for (int input : group.inputs) inputs.push_back(as(input, dtype));
    store(groups.alias[group.output], run_layer(prepared, plan, g, inputs, RunBy::reference));
  }
  result.output = as(graph.outputs[0], DType::f32);
  return result;
}

}  // namespace octet::quant
