// find_groups and fold: which nodes become one layer, and what its weights are.
#include <algorithm>
#include <numeric>

#include "nn/graph.h"

namespace octet::nn {
namespace {

// The tensors of a node's inputs; undefined for activations.
std::vector<Tensor> constants_of(const Graph& graph, const GraphNode& node) {
  std::vector<Tensor> tensors;
  for (int value : node.inputs) tensors.push_back(graph.values[value].constant);
  return tensors;
}

// The node as a per-channel affine map of its first input.
std::optional<ChannelAffine> affine_of(const Graph& graph, const GraphNode& node) {
  const std::vector<Tensor> inputs = constants_of(graph, node);
  // Weights that the model computes can't be folded.
  for (size_t i = 1; i < inputs.size(); ++i)
    if (!inputs[i].defined()) return std::nullopt;
  return node.op->channel_affine(inputs);
}

class GroupFinder {
 public:
  explicit GroupFinder(const Graph& graph)
      : graph_(graph), readers_(graph.values.size()), taken_(graph.nodes.size()) {
    grouped_.alias.resize(graph.values.size());
    std::iota(grouped_.alias.begin(), grouped_.alias.end(), 0);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const GraphNode& node = graph.nodes[n];
      if (node.op->is_identity()) {
        grouped_.alias[node.outputs[0]] = grouped_.alias[node.inputs[0]];
        taken_[n] = true;
        continue;
      }
      for (int value : node.inputs) {
        std::vector<int>& readers = readers_[grouped_.alias[value]];
        readers.push_back(static_cast<int>(n));
      }
    }
    for (int value : graph.outputs) readers_[grouped_.alias[value]].push_back(kOutside);
  }

  GroupedGraph run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n)
      if (!taken_[n]) grouped_.groups.push_back(group_from(static_cast<int>(n)));
    return std::move(grouped_);
  }

 private:
  static constexpr int kOutside = -1;  // who reads the graph's outputs

  LayerGroup group_from(int main) {
    const GraphNode& node = graph_.nodes[main];
    LayerGroup group;
    group.main = main;
    group.output = node.outputs[0];
    for (int value : node.inputs) {
      const int source = grouped_.alias[value];
      if (graph_.values[source].constant.defined()) continue;
      group.inputs.push_back(source);
      group.raw_inputs.push_back(value);
    }
    taken_[main] = true;
    if (node.op->has_weight()) {
      const int next = follower(group);
      if (next >= 0 && affine_of(graph_, graph_.nodes[next])) take(next, group);
    }
    if (node.op->takes_activation()) {
      const int next = follower(group);
      if (next >= 0 && graph_.nodes[next].op->activation()) take(next, group);
    }
    return group;
  }

  // The only reader of the group's output, when that is a node which reads it as its first input.
  int follower(const LayerGroup& group) const {
    const std::vector<int>& readers = readers_[group.output];
    if (readers.size() != 1 || readers[0] == kOutside) return -1;
    const GraphNode& node = graph_.nodes[readers[0]];
    return grouped_.alias[node.inputs[0]] == group.output ? readers[0] : -1;
  }

  void take(int node, LayerGroup& group) {
    group.followers.push_back(node);
    group.output = graph_.nodes[node].outputs[0];
    taken_[node] = true;
  }

  const Graph& graph_;
  GroupedGraph grouped_;
  std::vector<std::vector<int>> readers_;  // by value; a node that reads it twice is there twice
  std::vector<bool> taken_;                // by node
};

// W' = W * scale[o], b' = b * scale + shift.
void fold_affine(const ChannelAffine& affine, Lowering& layer) {
  const int64_t out_c = layer.weight.dim(0);
  OCTET_CHECK(affine.scale.elements() == out_c, layer.name, ": batch norm has ",
              affine.scale.elements(), " channels, the layer before it ", out_c);
  Tensor weight = layer.weight.clone();
  Tensor bias = layer.bias.defined() ? layer.bias.clone() : Tensor::zeros({out_c});
  const int64_t taps = out_c > 0 ? weight.elements() / out_c : 0;
  for (int64_t o = 0; o < out_c; ++o) {
    const float scale = affine.scale.data<float>()[o];
    float* w = weight.data<float>() + o * taps;
    for (int64_t i = 0; i < taps; ++i) w[i] *= scale;
    float& b = bias.data<float>()[o];
    b = b * scale + affine.shift.data<float>()[o];
  }
  layer.weight = weight;
  layer.bias = bias;
}

void take_weights(const Graph& graph, const GraphNode& node, Lowering& layer) {
  const std::vector<Tensor> inputs = constants_of(graph, node);
  for (size_t i = 1; i < inputs.size(); ++i) {
    OCTET_CHECK(inputs[i].defined(), node.op->name(), ": ", node.path,
                ": weights that the model computes can't be lowered");
  }
  layer.weight = inputs[1];
  if (inputs.size() > 2) layer.bias = inputs[2];
}

}  // namespace

GroupedGraph find_groups(const Graph& graph) { return GroupFinder(graph).run(); }

Lowering fold(const Graph& graph, const LayerGroup& group) {
  const GraphNode& main = graph.nodes[group.main];
  Lowering layer;
  layer.name = main.path;
  layer.output_shape = graph.values[group.output].shape;
  layer.constants = constants_of(graph, main);
  if (main.op->has_weight()) {
    take_weights(graph, main, layer);
  } else if (const auto affine = affine_of(graph, main)) {
    const int64_t channels = affine->scale.elements();
    layer.weight = affine->scale.view({channels, 1, 1, 1});
    layer.bias = affine->shift;
  }
  for (int follower : group.followers) {
    const GraphNode& node = graph.nodes[follower];
    if (const auto range = node.op->activation()) {
      layer.range = *range;
    } else if (const auto affine = affine_of(graph, node)) {
      fold_affine(*affine, layer);
    }
  }
  return layer;
}

}  // namespace octet::nn
