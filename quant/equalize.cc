#include "quant/equalize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

namespace octet::quant {
namespace {

// A channel that is nearly always 0 is not blown up further than this.
constexpr double kLargestScale = 32.0;

// What joins values that must be scaled alike, and which may be scaled at all.
class ValueClasses {
 public:
  explicit ValueClasses(size_t values) : parent_(values), eligible_(values, true) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int find(int v) const {
    while (parent_[v] != v) v = parent_[v];
    return v;
  }
  void join(int a, int b) {
    a = find(a), b = find(b);
    eligible_[a] = eligible_[a] && eligible_[b];
    parent_[b] = a;
  }
  void exclude(int v) { eligible_[find(v)] = false; }
  bool eligible(int v) const { return eligible_[find(v)]; }

 private:
  std::vector<int> parent_;
  std::vector<bool> eligible_;
};

bool scales_input_channels(const nn::Lowering& layer, int64_t channels) {
  const Tensor& w = layer.weight;
  const bool dense = w.dim(w.rank() - 1) == channels;
  const bool depthwise = w.rank() == 4 && w.dim(3) == 1 && w.dim(0) == channels;
  return dense || depthwise;
}

// By group: whether another group has one of its weights too, so that factors of its channels would
// be that group's as well.
std::vector<bool> shares_weights(const PreparedModel& prepared) {
  const std::vector<nn::LayerGroup>& groups = prepared.groups().groups;
  const nn::Graph& graph = prepared.graph();
  std::map<const void*, size_t> owner;
  std::vector<bool> shares(groups.size());
  const auto add = [&](int node, size_t g) {
    for (int value : graph.nodes[node].inputs) {
      const Tensor& constant = graph.values[value].constant;
      if (!constant.defined()) continue;
      const size_t first = owner.emplace(constant.raw(), g).first->second;
      if (first != g) shares[first] = shares[g] = true;
    }
  };
  for (size_t g = 0; g < groups.size(); ++g) {
    add(groups[g].main, g);
    for (int follower : groups[g].followers) add(follower, g);
  }
  return shares;
}

ValueClasses classify(const PreparedModel& prepared) {
  const nn::Graph& graph = prepared.graph();
  const nn::GroupedGraph& groups = prepared.groups();
  const std::vector<bool> shares = shares_weights(prepared);
  ValueClasses classes(graph.values.size());
  for (int v : graph.inputs) classes.exclude(groups.alias[v]);
  for (int v : graph.outputs) classes.exclude(groups.alias[v]);
  for (size_t g = 0; g < groups.groups.size(); ++g) {
    const nn::LayerGroup& group = groups.groups[g];
    const nn::Op& op = *graph.nodes[group.main].op;
    const int output = groups.alias[group.output];
    const nn::Lowering layer = nn::fold(graph, group);
    const bool bounded =
        std::isfinite(layer.range.hi) || (layer.range.lo != 0 && std::isfinite(layer.range.lo));
    if (bounded || shares[g] || !prepared.is_quantized(g)) classes.exclude(output);
    for (int raw : group.inputs) {
      const int input = groups.alias[raw];
      const Shape& shape = graph.values[input].shape;
      if (shares[g] || !prepared.is_quantized(g)) {
        classes.exclude(input);
      } else if (op.is_elementwise_sum()) {
        classes.join(output, input);
      } else if (!op.has_weight() || !scales_input_channels(layer, shape[shape.rank() - 1])) {
        classes.exclude(input);
        classes.exclude(output);
      }
    }
  }
  return classes;
}

// s of a class from the largest rms of each channel among its values.
Tensor scales_from(const std::vector<double>& rms) {
  const double largest = *std::max_element(rms.begin(), rms.end());
  Tensor scales = Tensor::full({static_cast<int64_t>(rms.size())}, 1.0f);
  if (largest == 0) return scales;
  for (size_t c = 0; c < rms.size(); ++c) {
    const double wanted = rms[c] > 0 ? std::sqrt(largest / rms[c]) : kLargestScale;
    scales.data<float>()[c] = static_cast<float>(std::min(wanted, kLargestScale));
  }
  return scales;
}

}  // namespace

int equalize(PreparedModel& prepared) {
  const nn::GroupedGraph& groups = prepared.groups();
  const ValueClasses classes = classify(prepared);
  std::vector<std::vector<double>> rms(prepared.graph().values.size());  // by class
  for (size_t g = 0; g < groups.groups.size(); ++g) {
    const int output = groups.alias[groups.groups[g].output];
    if (!classes.eligible(output) || prepared.channel_rms(g).empty()) continue;
    const std::vector<double> own = prepared.channel_rms(g).values();
    std::vector<double>& all = rms[classes.find(output)];
    all.resize(own.size());
    for (size_t c = 0; c < own.size(); ++c) all[c] = std::max(all[c], own[c]);
  }
  std::vector<Tensor> scales(prepared.graph().values.size());
  int changed = 0;
  for (size_t g = 0; g < groups.groups.size(); ++g) {
    const int output = groups.alias[groups.groups[g].output];
    const std::vector<double>& all = rms[classes.find(output)];
    if (!classes.eligible(output) || all.empty()) continue;
    scales[output] = scales_from(all);
    ++changed;
  }
  if (changed > 0) prepared.set_channel_scales(std::move(scales));
  return changed;
}

}  // namespace octet::quant
