#include "quant/layer_plan.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "quant/channel_scales.h"
#include "quant/weight_quantization.h"

namespace octet::quant {
namespace {

// Sums of products and biases stay below this in absolute value, a factor 2 inside s32.
constexpr double kLargestSum = 0x1p30;

void check_observed(const PreparedModel& prepared, int value) {
  const Observer* observer = prepared.observer(value);
  OCTET_CHECK(observer != nullptr && !observer->never_observed(), "convert: the value of ",
              prepared.graph().values[value].name,
              " was never observed; run calibration data through the prepared model first");
}

// One scale per output channel: those that training settled on, or what the weight itself says.
std::vector<float> weight_scales(const PreparedModel& prepared, size_t group,
                                 const Tensor& weight) {
  const Observer* trained = prepared.weight_observer(group);
  std::unique_ptr<Observer> fresh;
  if (trained == nullptr || trained->never_observed()) {
    fresh = prepared.qconfig(group)->weight();
    fresh->observe(weight);
    trained = fresh.get();
  }
  const std::vector<QParams> qparams = trained->qparams();
  std::vector<float> scales(static_cast<size_t>(weight.dim(0)));
  for (size_t o = 0; o < scales.size(); ++o) scales[o] = qparams[qparams.size() == 1 ? 0 : o].scale;
  return scales;
}

// Per output channel, an upper bound of |sum of products + bias| in steps of s_x * s_w.
std::vector<double> largest_sums(const nn::Lowering& layer, const QParams& x) {
  const Tensor& weight = layer.weight;
  const nn::LayerQuantization& quantization = *layer.quantization;
  const std::vector<float>& scales = quantization.weight_scale;
  const double largest_w = std::max(-quantization.weight_quant_min, quantization.weight_quant_max);
  const size_t taps = static_cast<size_t>(weight.elements() / weight.dim(0));
  const double largest_x = std::max(x.zero_point - x.quant_min, x.quant_max - x.zero_point);
  const float* w = weight.data<float>();
  std::vector<double> sums(scales.size());
  for (size_t o = 0; o < sums.size(); ++o) {
    double steps = 0;
    // Each is rounded, and clamped: a scale that is not the weight's own (training froze it, an
    // observer left outliers out) may be any part of it.
    for (size_t k = 0; k < taps; ++k)
      steps += std::min(std::abs(double{w[o * taps + k]}) / scales[o] + 0.5, largest_w);
    sums[o] = steps * largest_x + 1;
    if (layer.bias.defined())
      sums[o] += std::abs(double{layer.bias.data<float>()[o]}) / (double{x.scale} * scales[o]);
  }
  return sums;
}

// Raises weight scales until every bias fits; says how many.
void fit_biases(const nn::Lowering& layer, const QParams& x, std::vector<float>& scales,
                std::ostringstream& note) {
  if (!layer.bias.defined()) return;
  int raised = 0;
  for (size_t o = 0; o < scales.size(); ++o) {
    const double least = std::abs(double{layer.bias.data<float>()[o]}) / (x.scale * kLargestSum);
    if (scales[o] >= least) continue;
    scales[o] = std::nextafter(static_cast<float>(least), INFINITY);
    ++raised;
  }
  if (raised > 0)
    note << "weight scale raised in " << raised << (raised == 1 ? " channel" : " channels")
         << " so that the bias fits; ";
}

// Raises the output scale to `least`; says so.
void raise_output_scale(double least, QParams& output, std::ostringstream& note) {
  if (output.scale >= least) return;
  note << "output scale raised from " << output.scale << " to " << least
       << " so that results can be requantized; ";
  output.scale = std::nextafter(static_cast<float>(least), INFINITY);
}

// weight[o, ..., c] *= y[o] / x[c], bias[o] *= y[o]; undefined scales are 1.
void scale_channels(const Tensor& x, const Tensor& y, nn::Lowering& layer) {
  if (!layer.weight.defined() || (!x.defined() && !y.defined())) return;
  layer.weight = layer.weight.clone();
  if (y.defined()) scale_outputs(y, layer.weight);
  if (x.defined()) scale_inputs(x, layer.weight);
  if (!layer.bias.defined() || !y.defined()) return;
  layer.bias = layer.bias.clone();
  scale_outputs(y, layer.bias);
}

void quantize_weighted(const PreparedModel& prepared, size_t group, const QParams& x,
                       LayerPlan& plan, std::ostringstream& note) {
  nn::Lowering& layer = plan.layer;
  nn::LayerQuantization& quantization = *layer.quantization;
  quantization.weight_scale = weight_scales(prepared, group, layer.weight);
  const QParams weight_range = prepared.qconfig(group)->weight()->empty_qparams();
  quantization.weight_quant_min = weight_range.quant_min;
  quantization.weight_quant_max = weight_range.quant_max;
  fit_biases(layer, x, quantization.weight_scale, note);
  const std::vector<double> sums = largest_sums(layer, x);
  double least = 0;
  for (size_t o = 0; o < sums.size(); ++o) {
    OCTET_CHECK(sums[o] < 2 * kLargestSum, "convert: ", layer.name, ": channel ", o, " can sum to ",
                sums[o], ", which 32 bits do not hold; keep this layer float");
    least = std::max(least, sums[o] * x.scale * quantization.weight_scale[o] / kLargestSum);
  }
  raise_output_scale(least, quantization.output, note);
}

}  // namespace

ModelPlan begin_plan(const PreparedModel& prepared) {
  const nn::Graph& graph = prepared.graph();
  ModelPlan plan;
  plan.qparams.resize(graph.values.size());
  plan.layers.resize(prepared.groups().groups.size());
  for (const nn::GraphValue& value : graph.values) plan.names.push_back(value.name);
  return plan;
}

void plan_layer(const PreparedModel& prepared, size_t g, ModelPlan& plan) {
  const nn::Graph& graph = prepared.graph();
  const nn::GroupedGraph& groups = prepared.groups();
  const nn::LayerGroup& group = groups.groups[g];
  const nn::Op& op = *graph.nodes[group.main].op;
  LayerPlan& layer = plan.layers[g];
  const int output = groups.alias[group.output];
  layer.layer = nn::fold(graph, group);
  plan.names[output] = layer.layer.name;
  if (!group.inputs.empty())
    scale_channels(prepared.channel_scales(groups.alias[group.inputs[0]]),
                   prepared.channel_scales(output), layer.layer);
  if (!prepared.is_quantized(g)) {
    layer.note = prepared.why_float(g);
    // Who takes integers behind it has no observer there.
    if (op.quant_role() == nn::QuantRole::pass_through && !plan.qparams[output])
      plan.qparams[output] = plan.qparams[groups.alias[group.inputs[0]]];
    if (prepared.is_weight_only(g)) layer.layer.weight_scales = row_scales;
    return;
  }
  std::ostringstream note;
  const QParams x = *plan.qparams[groups.alias[group.inputs[0]]];
  layer.layer.quantization.emplace();
  QParams& y = layer.layer.quantization->output;
  if (op.quant_role() == nn::QuantRole::pass_through) {
    y = x;
  } else {
    y = *plan.qparams[output];
    if (layer.layer.weight.defined()) {
      quantize_weighted(prepared, g, x, layer, note);
    } else if (!op.weight_inputs().empty()) {
      layer.layer.weight_scales = [&prepared, g](const Tensor& weight) {
        return weight_scales(prepared, g, weight);
      };
    } else {
      std::vector<QParams> inputs;
      for (int input : group.inputs) inputs.push_back(*plan.qparams[groups.alias[input]]);
      raise_output_scale(op.least_output_scale(inputs), y, note);
    }
  }
  plan.qparams[output] = y;
  layer.note = note.str();
  if (!layer.note.empty()) layer.note.resize(layer.note.size() - 2);
}

ModelPlan plan_layers(const PreparedModel& prepared) {
  ModelPlan plan = begin_plan(prepared);
  // Values that enter the quantized part from outside keep what was observed.
  std::vector<std::optional<QParams>> of_owner(plan.qparams.size());
  for (size_t v = 0; v < plan.qparams.size(); ++v) {
    const int value = static_cast<int>(v);
    if (prepared.observer(value) == nullptr) continue;
    check_observed(prepared, value);
    // Once for all that share: some observers search for theirs.
    std::optional<QParams>& shared = of_owner[prepared.qparams_owner(value)];
    if (!shared) shared = prepared.qparams(value);
    plan.qparams[v] = shared;
  }
  for (size_t g = 0; g < plan.layers.size(); ++g) plan_layer(prepared, g, plan);
  return plan;
}

}  // namespace octet::quant
