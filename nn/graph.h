// Graph: a model as the operations it applied to an example, with weights as constants.
//
// trace() runs the module once in eval mode and collects what the tape recorded. Parameters keep
// their identity: the graph's constants are the module's own tensors, so training one trains the
// other.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/op.h"

namespace octet::nn {

struct GraphValue {
  Shape shape;  // as for the example
  DType dtype = DType::f32;
  Tensor
      constant;  // defined for parameters, buffers and other tensors that the model did not compute
  std::string name;  // of a parameter or buffer, its name; else the path of the op that made it
};

struct GraphNode {
  std::shared_ptr<const Op> op;
  std::string path;  // module path; unique among nodes (a repeated one gets "#1", "#2"...)
  std::vector<int> inputs, outputs;  // value ids
};

struct Graph {
  std::vector<GraphValue> values;
  std::vector<GraphNode> nodes;  // in execution order
  std::vector<int> inputs, outputs;

  // Nodes that read the value.
  std::vector<int> readers(int value) const;
  // The node that makes it, or -1.
  int producer(int value) const;
};

// The example's batch must be 1. Throws octet::Error when the output does not depend on the input
// or an op on the way can't be lowered.
Graph trace(Module& module, const Tensor& example);
// The same for a module with several inputs, one example for each; the graph's inputs have the
// names that the module says.
Graph trace(Module& module, std::span<const Tensor> examples);

// A run of nodes that becomes one instruction: conv2d or linear [+ batch norm] [+ activation], add
// or a batch norm of its own [+ activation], or a single other node; stubs are groups of their own.
// Found on the graph: a follower is fused when it is the only reader of what comes before.
struct LayerGroup {
  int main = -1;                // node
  std::vector<int> followers;   // nodes, in order
  std::vector<int> inputs;      // activation value ids, in the order of the main op
  std::vector<int> raw_inputs;  // the same before identity ops are skipped
  int output = -1;              // value id
};
// Covers every node, in execution order; identity ops are skipped and `alias` says which value
// stands for another: alias[v] == v where nothing was skipped.
struct GroupedGraph {
  std::vector<LayerGroup> groups;
  std::vector<int> alias;
};
GroupedGraph find_groups(const Graph& graph);

// The layer that a group becomes: weights with batch norm folded in (W' = W * gamma / sqrt(var +
// eps), b' = (b - mean) * gamma / sqrt(var + eps) + beta), fused activation, output shape and name.
// A batch norm of its own has the weights [c, 1, 1, 1] of a depthwise convolution.
// `program` and `inputs` are left for the caller.
Lowering fold(const Graph& graph, const LayerGroup& group);

// The float model for the engine. adjust, when set, gets every layer with its main node before it
// is lowered.
using LayerAdjustment = std::function<void(const GraphNode& main, Lowering& layer)>;
engine::Program lower(const Graph& graph, const LayerAdjustment& adjust = {});

}  // namespace octet::nn
