#include "quant/simulate.h"

#include <cstring>
#include <optional>

#include "base/error.h"
#include "engine/model.h"
#include "quant/layer_lowering.h"
#include "quant/layer_plan.h"

namespace octet::quant {
namespace {

// A value of the graph in one or both forms.
struct Forms {
  Tensor f32, u8;
};

Tensor quantize_tensor(const Tensor& x, const QParams& qparams) {
  Tensor q = Tensor::zeros(x.shape(), DType::u8);
  const float inverse = 1.0f / qparams.scale;
  const float* from = x.data<float>();
  uint8_t* to = q.data<uint8_t>();
  for (int64_t i = 0; i < x.elements(); ++i)
    to[i] = static_cast<uint8_t>(quantize_value(from[i], inverse, qparams));
  return q;
}

Tensor dequantize_tensor(const Tensor& q, const QParams& qparams) {
  Tensor x = Tensor::zeros(q.shape());
  const uint8_t* from = q.data<uint8_t>();
  float* to = x.data<float>();
  for (int64_t i = 0; i < q.elements(); ++i) to[i] = dequantize_value(from[i], qparams);
  return x;
}

// Runs one layer as a program of its own.
Tensor run_layer(const PreparedModel& prepared, const ModelPlan& plan, size_t group,
                 const std::vector<Tensor>& inputs, DType dtype) {
  const nn::LayerGroup& layer = prepared.groups().groups[group];
  LayerLowering lowering(prepared, plan);
  std::vector<Tensor> distinct;  // add(x, x) has one input value
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool seen = i > 0 && prepared.groups().alias[layer.inputs[i]] ==
                                   prepared.groups().alias[layer.inputs[0]];
    if (seen) continue;
    lowering.add_input(layer.inputs[i], dtype);
    distinct.push_back(inputs[i]);
  }
  lowering.add_layer(group);
  engine::Program& program = lowering.program();
  program.outputs.push_back(lowering.as(layer.output, dtype));

  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "simulate: ", model.why());
  const size_t batch = static_cast<size_t>(inputs[0].dim(0));
  auto session = engine::Session::create(*model, {.batch = batch, .reference = true});
  OCTET_CHECK(session, "simulate: ", session.why());
  for (size_t i = 0; i < distinct.size(); ++i)
    std::memcpy((*session)->input(i), distinct[i].raw(), distinct[i].bytes());
  (*session)->run();
  Tensor result = Tensor::zeros((*session)->shape((*model)->program().outputs[0]), dtype);
  std::memcpy(result.raw(), (*session)->output(0), result.bytes());
  return result;
}

}  // namespace

Simulation simulate(const PreparedModel& prepared, const Tensor& x) {
  const nn::Graph& graph = prepared.graph();
  const nn::GroupedGraph& groups = prepared.groups();
  const ModelPlan plan = plan_layers(prepared);
  std::vector<Forms> values(graph.values.size());
  Simulation result;

  const auto store = [&](int value, const Tensor& tensor) {
    if (tensor.dtype() == DType::f32) {
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
      store(value, quantize_tensor(have.f32, *plan.qparams[value]));
    if (dtype == DType::f32 && !have.f32.defined())
      store(value, dequantize_tensor(have.u8, *plan.qparams[value]));
    return dtype == DType::u8 ? have.u8 : have.f32;
  };

  store(groups.alias[graph.inputs[0]], x);
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
    store(groups.alias[group.output], run_layer(prepared, plan, g, inputs, dtype));
  }
  result.output = as(graph.outputs[0], DType::f32);
  return result;
}

}  // namespace octet::quant
