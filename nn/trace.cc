// trace: from the tape's nodes to a Graph.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "nn/graph.h"

namespace octet::nn {
namespace {

// Eval mode for a module and all below it; each gets its own mode back.
class EvalMode {
 public:
  explicit EvalMode(Module& module) {
    module.for_each_module(
        [this](const std::string&, Module& m) { modes_.emplace_back(&m, m.is_training()); });
    module.eval();
  }
  ~EvalMode() {
    // Parents come first, so that what train() does to children is put right after.
    for (const auto& [module, training] : modes_) module->train(training);
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

// The name, or the first of name#1, name#2... that is free.
std::string unique_name(const std::string& name, std::set<std::string>& taken) {
  std::string candidate = name;
  for (int i = 1; !taken.insert(candidate).second; ++i) candidate = name + "#" + std::to_string(i);
  return candidate;
}

// Everything that the tensor was computed from, in the order of execution.
std::vector<const Node*> reachable_nodes(const Tensor& output) {
  std::set<const Node*> seen;
  std::vector<const Node*> nodes;
  if (output.producer() != nullptr) nodes.push_back(output.producer().get());
  seen.insert(nodes.begin(), nodes.end());
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const Tensor& input : nodes[i]->inputs) {
      const Node* node = input.producer().get();
      if (node != nullptr && seen.insert(node).second) nodes.push_back(node);
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const Node* a, const Node* b) { return a->order < b->order; });
  return nodes;
}

class Tracer {
 public:
  explicit Tracer(const Module& module) : prefix_(module.path()) {
    for (const auto& [name, tensor] : module.named_parameters()) names_[tensor.identity()] = name;
    for (const auto& [name, tensor] : module.named_buffers()) names_[tensor.identity()] = name;
  }

  Graph run(std::span<const Tensor> inputs, std::span<const std::string> names,
            const Tensor& output) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      graph_.inputs.push_back(add_value(inputs[i], names[i]));
      leaves_[inputs[i].identity()] = graph_.inputs[i];
    }
    for (const Node* node : reachable_nodes(output)) add_node(*node);
    graph_.outputs.push_back(value_of(output));
    for (size_t i = 0; i < inputs.size(); ++i)
      OCTET_CHECK(!graph_.readers(graph_.inputs[i]).empty(),
                  "trace: the output does not depend on the ", names[i]);
    return std::move(graph_);
  }

 private:
  int add_value(const Tensor& tensor, std::string name) {
    graph_.values.push_back({tensor.shape(), tensor.dtype(), Tensor(), std::move(name)});
    return static_cast<int>(graph_.values.size()) - 1;
  }

  // What a node made, a leaf seen before, or a new constant.
  int value_of(const Tensor& tensor) {
    if (tensor.producer() != nullptr) {
      const Node& node = *tensor.producer();
      OCTET_CHECK(tensor.output_index() == 0, "trace: ", node.op->name(), " at '", node.path,
                  "': only its first result can be lowered");
      const int id = outputs_.at(&node)[0];
      graph_.values[id].shape = tensor.shape();
      graph_.values[id].dtype = tensor.dtype();
      return id;
    }
    const auto [leaf, is_new] = leaves_.try_emplace(tensor.identity(), 0);
    if (!is_new) return leaf->second;
    const auto named = names_.find(tensor.identity());
    leaf->second = add_value(
        tensor, named != names_.end() ? named->second : unique_name("constant", constants_));
    graph_.values[leaf->second].constant = tensor;
    return leaf->second;
  }

  void add_node(const Node& node) {
    GraphNode traced;
    traced.op = std::dynamic_pointer_cast<const Op>(node.op);
    OCTET_CHECK(traced.op != nullptr, "trace: ", node.op->name(), " at '", node.path,
                "' can't be lowered");
    traced.path = unique_name(relative_path(node), paths_);
    for (const Tensor& input : node.inputs) traced.inputs.push_back(value_of(input));
    // Only first results can be used; shape and dtype are known when somebody reads it.
    traced.outputs.push_back(static_cast<int>(graph_.values.size()));
    graph_.values.push_back({{}, DType::f32, Tensor(), traced.path});
    outputs_[&node] = traced.outputs;
    graph_.nodes.push_back(std::move(traced));
  }

  // The path below the traced module; for what the module itself applies, the op's name.
  std::string relative_path(const Node& node) const {
    std::string path = node.path;
    if (!prefix_.empty() && path.starts_with(prefix_)) path.erase(0, prefix_.size() + 1);
    return path.empty() ? node.op->name() : path;
  }

  std::string prefix_;
  Graph graph_;
  std::unordered_map<const void*, std::string> names_;
  std::unordered_map<const void*, int> leaves_;
  std::unordered_map<const Node*, std::vector<int>> outputs_;
  std::set<std::string> paths_, constants_;
};

}  // namespace

Graph trace(Module& module, const Tensor& example) { return trace(module, {&example, 1}); }

Graph trace(Module& module, std::span<const Tensor> examples) {
  std::vector<Tensor> inputs;
  for (const Tensor& example : examples) {
    OCTET_CHECK(example.defined() && example.rank() >= 1 && example.dim(0) == 1,
                "trace: the example is ", example.defined() ? example.shape().text() : "undefined",
                ", expects a batch of 1");
    // A tensor of its own, which no earlier recording has made.
    inputs.push_back(example.view(example.shape()));
  }
  const EvalMode eval_mode(module);
  const Recording recording(Recording::For::structure);
  const Tensor output = module(inputs);
  return Tracer(module).run(inputs, module.input_names(), output);
}

}  // namespace octet::nn
