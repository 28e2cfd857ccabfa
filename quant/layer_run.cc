#include "quant/layer_run.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "engine/model.h"
#include "quant/layer_lowering.h"
#include "tensor/threads.h"

namespace octet::quant {
namespace {

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

}  // namespace

LayerRun::LayerRun(const PreparedModel& prepared, const ModelPlan& plan, const Tensor& x,
                   Arithmetic arithmetic)
    : prepared_(prepared),
      plan_(plan),
      arithmetic_(arithmetic),
      values_(prepared.graph().values.size()) {
  values_[alias(prepared.graph().inputs[0])].f32 = x;
}

Tensor LayerRun::as(int value, DType dtype) {
  value = alias(value);
  Forms& have = values_[value];
  if (dtype == DType::u8) {
    if (!have.u8.defined()) have.u8 = quantize_tensor(have.f32, *plan_.qparams[value]);
    return have.u8;
  }
  if (!have.f32.defined()) have.f32 = real(value);
  return have.f32;
}

Tensor LayerRun::real(int value) const {
  const Forms& have = values_[alias(value)];
  if (have.f32.defined()) return have.f32;
  return dequantize_tensor(have.u8, *plan_.qparams[alias(value)]);
}

void LayerRun::run(size_t group) {
  const nn::LayerGroup& layer = prepared_.groups().groups[group];
  const nn::QuantRole role = prepared_.graph().nodes[layer.main].op->quant_role();
  Forms& output = values_[alias(layer.output)];
  if (role == nn::QuantRole::stub || role == nn::QuantRole::destub) {
    output = {as(layer.inputs[0], DType::f32), Tensor()};
    return;
  }
  const DType dtype = prepared_.is_quantized(group) ? DType::u8 : DType::f32;
  std::vector<Tensor> inputs;
  for (int input : layer.inputs) inputs.push_back(as(input, dtype));
  const Tensor result = run_alone(group, inputs, dtype);
  output = dtype == DType::u8 ? Forms{Tensor(), result} : Forms{result, Tensor()};
}

void LayerRun::release_inputs(size_t group) {
  const auto& groups = prepared_.groups().groups;
  for (int input : groups[group].inputs) {
    const auto reads = [&](const nn::LayerGroup& later) {
      return std::any_of(later.inputs.begin(), later.inputs.end(),
                         [&](int v) { return alias(v) == alias(input); });
    };
    const auto first_later = groups.begin() + static_cast<ptrdiff_t>(group) + 1;
    const bool output = alias(input) == alias(prepared_.graph().outputs[0]);
    if (!output && std::none_of(first_later, groups.end(), reads)) values_[alias(input)] = {};
  }
}

std::vector<std::pair<std::string, Tensor>> LayerRun::integers() const {
  std::vector<std::pair<std::string, Tensor>> named;
  for (size_t v = 0; v < values_.size(); ++v)
    if (values_[v].u8.defined()) named.emplace_back(plan_.names[v], values_[v].u8);
  return named;
}

Tensor LayerRun::run_alone(size_t group, const std::vector<Tensor>& inputs, DType dtype) const {
  const nn::LayerGroup& layer = prepared_.groups().groups[group];
  LayerLowering lowering(prepared_, plan_);
  std::vector<Tensor> distinct;  // add(x, x) has one input value
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (i > 0 && alias(layer.inputs[i]) == alias(layer.inputs[0])) continue;
    lowering.add_input(layer.inputs[i], dtype);
    distinct.push_back(inputs[i]);
  }
  lowering.add_layer(group);
  engine::Program& program = lowering.program();
  program.outputs.push_back(lowering.as(layer.output, dtype));

  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "simulate: ", model.why());
  auto session =
      engine::Session::create(*model, {.batch = static_cast<size_t>(inputs[0].dim(0)),
                                       .pool = &default_pool(),
                                       .reference = arithmetic_ == Arithmetic::reference});
  OCTET_CHECK(session, "simulate: ", session.why());
  for (size_t i = 0; i < distinct.size(); ++i)
    std::memcpy((*session)->input(i), distinct[i].raw(), distinct[i].bytes());
  (*session)->run();
  Tensor result = Tensor::zeros((*session)->shape((*model)->program().outputs[0]), dtype);
  std::memcpy(result.raw(), (*session)->output(0), result.bytes());
  return result;
}

}  // namespace octet::quant
