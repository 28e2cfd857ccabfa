#include "quant/prepare.h"

#include <algorithm>

#include "base/error.h"
#include "quant/qat_forward.h"
#include "quant/simulate.h"

namespace octet::quant {
namespace {

using nn::QuantRole;

// By graph value: whether it lies between a QuantStub and a DeQuantStub. Without stubs all do.
std::vector<bool> quantized_region(const nn::Graph& graph, const nn::GroupedGraph& groups) {
  const bool has_stub = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const auto& node) {
    return node.op->quant_role() == QuantRole::stub;
  });
  std::vector<bool> region(graph.values.size(), !has_stub);
  for (const nn::LayerGroup& group : groups.groups) {
    const QuantRole role = graph.nodes[group.main].op->quant_role();
    const bool inputs_inside =
        std::all_of(group.inputs.begin(), group.inputs.end(), [&](int v) { return region[v]; });
    region[group.output] = role == QuantRole::stub || (role != QuantRole::destub && inputs_inside);
  }
  return region;
}

// x with its channels multiplied; x itself without scales.
Tensor scale_channels(const Tensor& x, const Tensor& scales) {
  if (!scales.defined()) return x;
  Tensor y = x.clone();
  const int64_t channels = scales.elements();
  float* values = y.data<float>();
  for (int64_t i = 0; i < y.elements(); i += channels)
    for (int64_t c = 0; c < channels; ++c) values[i + c] *= scales.data<float>()[c];
  return y;
}

}  // namespace

void PreparedModel::set_channel_scales(std::vector<Tensor> scales) {
  channel_scales_ = std::move(scales);
  for (auto& observer : observers_)
    if (observer != nullptr) observer->reset();
  channel_rms_.assign(channel_rms_.size(), {});
}

void PreparedModel::keep_float(size_t group, bool on, const std::string& why) {
  const nn::GraphNode& node = graph_.nodes[groups_.groups.at(group).main];
  OCTET_CHECK(!trained_, "keep_float: ", node.path, ": the model is prepared for training");
  OCTET_CHECK(group_qconfig_[group].has_value() && node.op->quant_role() == QuantRole::observed,
              "keep_float: ", node.path, " (", node.op->name(), ") has no qparams of its own");
  why_float_[group] = on ? why : "";
  // What keeps its input's qparams has none when that is float.
  std::vector<bool> is_kept(graph_.values.size());
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    if (!group_qconfig_[g]) continue;
    const nn::LayerGroup& layer = groups_.groups[g];
    const nn::Op& op = *graph_.nodes[layer.main].op;
    if (op.quant_role() == QuantRole::pass_through)
      why_float_[g] = is_kept[groups_.alias[layer.inputs[0]]] ? "its input is float" : "";
    is_kept[groups_.alias[layer.output]] = !is_quantized(g);
  }
}

void PreparedModel::attach_observers(const QConfigMapping& mapping) {
  const std::vector<bool> region = quantized_region(graph_, groups_);
  group_qconfig_.resize(groups_.groups.size());
  weight_only_.resize(groups_.groups.size());
  why_float_.resize(groups_.groups.size());
  weight_observers_.resize(groups_.groups.size());
  channel_rms_.resize(groups_.groups.size());
  channel_scales_.resize(graph_.values.size());
  observers_.resize(graph_.values.size());
  // Values that some quantized layer makes.
  std::vector<bool> as_integers(graph_.values.size());
  for (int input : graph_.inputs) {
    as_integers[groups_.alias[input]] = region[input];
    if (mapping.input() && region[input]) observe_value(groups_.alias[input], *mapping.input());
  }
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const nn::LayerGroup& group = groups_.groups[g];
    const nn::GraphNode& node = graph_.nodes[group.main];
    const QuantRole role = node.op->quant_role();
    const int output = groups_.alias[group.output];
    if (role == QuantRole::stub || role == QuantRole::destub) {
      // Stubs compute nothing: the value behind a QuantStub is quantized as it enters.
      as_integers[output] = as_integers[output] || role == QuantRole::stub;
      continue;
    }
    std::optional<QConfig> qconfig = mapping.find(node.op->name(), node.path);
    const bool inside =
        std::all_of(group.inputs.begin(), group.inputs.end(), [&](int v) { return region[v]; });
    if (!qconfig) {
      why_float_[g] = "no qconfig";
    } else if (role == QuantRole::unsupported) {
      why_float_[g] = std::string(node.op->name()) + " has no integer form";
    } else if (!inside) {
      why_float_[g] = "outside the stubs";
    } else if (role == QuantRole::weight_only) {
      weight_only_[g] = true;
    } else if (role == QuantRole::pass_through && !as_integers[groups_.alias[group.inputs[0]]]) {
      why_float_[g] = "its input is float";
    } else {
      group_qconfig_[g] = qconfig;
      as_integers[output] = true;
      for (int input : group.inputs) observe_value(groups_.alias[input], *qconfig);
      if (role == QuantRole::observed) observe_value(output, *qconfig);
    }
  }
  share_qparams();
}

// A value that a pass-through layer made shares its input's qparams and needs no observer.
void PreparedModel::observe_value(int value, const QConfig& qconfig) {
  if (observers_[value] != nullptr) return;
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const nn::LayerGroup& group = groups_.groups[g];
    if (groups_.alias[group.output] == value && is_quantized(g) &&
        graph_.nodes[group.main].op->quant_role() == QuantRole::pass_through)
      return;
  }
  observers_[value] = qconfig.activation();
}

// The result of the concatenation that alone reads the value, or -1.
int PreparedModel::sole_concatenation(int value) const {
  const auto is_value = [&](int v) { return groups_.alias[v] == value; };
  if (std::any_of(graph_.outputs.begin(), graph_.outputs.end(), is_value)) return -1;
  int reader = -1;
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const std::vector<int>& inputs = groups_.groups[g].inputs;
    if (std::none_of(inputs.begin(), inputs.end(), is_value)) continue;
    if (reader >= 0) return -1;
    reader = static_cast<int>(g);
  }
  if (reader < 0 || !is_quantized(static_cast<size_t>(reader))) return -1;
  const nn::LayerGroup& group = groups_.groups[static_cast<size_t>(reader)];
  const nn::Op& op = *graph_.nodes[group.main].op;
  const int output = groups_.alias[group.output];
  if (op.joins_channels()) return output;
  return op.quant_role() == QuantRole::pass_through ? sole_concatenation(output) : -1;
}

void PreparedModel::share_qparams() {
  for (size_t v = 0; v < observers_.size(); ++v) {
    const int value = static_cast<int>(v);
    part_of_.push_back(value);
    const int whole = observers_[v] != nullptr ? sole_concatenation(value) : -1;
    if (whole < 0) continue;
    const Observer &a = *observers_[v], &b = *observers_[whole];
    if (a.keeps_own_qparams() || b.keeps_own_qparams()) continue;
    if (a.options() == b.options()) part_of_.back() = whole;
  }
}

int PreparedModel::qparams_owner(int value) const {
  while (part_of_[value] != value) value = part_of_[value];
  return value;
}

QParams PreparedModel::qparams(int value) const {
  const Observer& own = *observers_[value];
  const int owner = qparams_owner(value);
  // In float it has seen all there is to see, and an observer that leaves out values weighs them
  // all.
  if (!trained_) return observers_[owner]->qparams().front();
  ValueRange all;
  int members = 0;
  for (size_t v = 0; v < observers_.size(); ++v) {
    if (observers_[v] == nullptr || qparams_owner(static_cast<int>(v)) != owner) continue;
    ++members;
    // In the first step of training the later ones have seen nothing yet.
    if (!observers_[v]->never_observed())
      all = merge(all, observers_[v]->quantized_ranges().front());
  }
  if (members == 1 || own.never_observed()) return own.qparams().front();
  const ObserverOptions& options = own.options();
  return choose_qparams(all.min, all.max, options.range, options.scheme, options.eps);
}

std::vector<std::string> PreparedModel::input_names() const {
  std::vector<std::string> names;
  for (int value : graph_.inputs) names.push_back(graph_.values[value].name);
  return names;
}

Tensor PreparedModel::forward_all(std::span<const Tensor> inputs) {
  OCTET_CHECK(inputs.size() == graph_.inputs.size(), "prepare: ", inputs.size(),
              " inputs, the model has ", graph_.inputs.size());
  if (mode_ == Mode::simulate) return simulate(*this, inputs).output;
  if (mode_ == Mode::qat) return qat_forward(*this, inputs[0]);
  std::vector<Tensor> values(graph_.values.size());
  std::vector<int> last_reader(graph_.values.size(), -1);
  for (size_t n = 0; n < graph_.nodes.size(); ++n)
    for (int v : graph_.nodes[n].inputs) last_reader[v] = static_cast<int>(n);
  for (int v : graph_.outputs) last_reader[v] = static_cast<int>(graph_.nodes.size());

  std::vector<ChannelRms*> rms(graph_.values.size());
  for (size_t g = 0; g < groups_.groups.size(); ++g) {
    const nn::Op& op = *graph_.nodes[groups_.groups[g].main].op;
    if (op.has_weight() || op.is_elementwise_sum())
      rms[groups_.groups[g].output] = &channel_rms_[g];
  }
  const auto store = [&](int v, const Tensor& tensor) {
    values[v] = tensor;
    if (mode_ != Mode::observe || (observers_[v] == nullptr && rms[v] == nullptr)) return;
    const Tensor scaled = scale_channels(tensor, channel_scales_[groups_.alias[v]]);
    try {
      if (observers_[v] != nullptr) observers_[v]->observe(scaled);
      if (rms[v] != nullptr) rms[v]->add(scaled);
    } catch (const Error& error) {
      fail(graph_.values[v].name, ": ", error.what());
    }
  };
  for (size_t i = 0; i < inputs.size(); ++i) store(graph_.inputs[i], inputs[i]);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const nn::GraphNode& node = graph_.nodes[n];
    std::vector<Tensor> operands;
    for (int v : node.inputs)
      operands.push_back(graph_.values[v].constant.defined() ? graph_.values[v].constant
                                                             : values[v]);
    const PathScope scope(node.path);
    const std::vector<Tensor> results = octet::apply(node.op, std::move(operands));
    for (size_t i = 0; i < node.outputs.size(); ++i) store(node.outputs[i], results[i]);
    // Activations are large: free each after its last use.
    for (int v : node.inputs)
      if (last_reader[v] == static_cast<int>(n)) values[v] = Tensor();
  }
  return values[graph_.outputs[0]];
}

std::vector<std::pair<std::string, Tensor>> PreparedModel::simulate_values(
    std::span<const Tensor> inputs) {
  return simulate(*this, inputs).integers;
}

std::unique_ptr<PreparedModel> prepare(nn::Module& model, const Tensor& example,
                                       const QConfigMapping& mapping) {
  return prepare(model, {&example, 1}, mapping);
}

std::unique_ptr<PreparedModel> prepare(nn::Module& model, std::span<const Tensor> examples,
                                       const QConfigMapping& mapping) {
  return PreparedModel::attach(nn::trace(model, examples), mapping);
}

std::unique_ptr<PreparedModel> PreparedModel::attach(nn::Graph graph,
                                                     const QConfigMapping& mapping) {
  OCTET_CHECK(graph.outputs.size() == 1, "prepare: the model has ", graph.outputs.size(),
              " outputs, expected one");
  auto prepared = std::make_unique<PreparedModel>();
  prepared->graph_ = std::move(graph);
  prepared->groups_ = nn::find_groups(prepared->graph_);
  prepared->attach_observers(mapping);
  prepared->eval();
  return prepared;
}

}  // namespace octet::quant
