// lower: the float program of a graph.
#include <optional>

#include "nn/graph.h"

namespace octet::nn {

engine::Program lower(const Graph& graph, const LayerAdjustment& adjust) {
  engine::Program program;
  const GroupedGraph grouped = find_groups(graph);
  std::vector<std::optional<engine::ValueId>> ids(graph.values.size());
  for (int value : graph.inputs) {
    const GraphValue& input = graph.values[value];
    ids[value] = program.add_activation(input.name, input.dtype, input.shape);
    program.inputs.push_back(*ids[value]);
  }
  for (const LayerGroup& group : grouped.groups) {
    Lowering layer = fold(graph, group);
    layer.program = &program;
    for (int value : group.inputs) layer.inputs.push_back(ids[value].value());
    const GraphNode& main = graph.nodes[group.main];
    if (adjust) adjust(main, layer);
    ids[group.output] = main.op->lower(layer);
  }
  for (int value : graph.outputs) program.outputs.push_back(ids[grouped.alias[value]].value());
  return program;
}

}  // namespace octet::nn
