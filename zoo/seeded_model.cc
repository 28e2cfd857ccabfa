#include "zoo/seeded_model.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "nn/batch_norm.h"
#include "quant/convert.h"
#include "quant/prepare.h"

namespace octet::zoo {
namespace {

constexpr uint64_t kSeed = 2026;
constexpr float kBias = 0.5f;

// 1 / sqrt(running_var + eps) becomes 1: a product with it is exact, fused with an addition or not.
void make_identities(nn::Module& model, Rng& rng) {
  model.for_each_module([&](const std::string&, nn::Module& module) {
    const auto* norm = dynamic_cast<nn::BatchNorm2d*>(&module);
    if (norm == nullptr) return;
    std::ranges::fill(norm->running_var.values<float>(), 1.0f - norm->options().eps);
    for (float& v : norm->bias.values<float>()) v = rng.uniform(-kBias, kBias);
  });
}

// g of the header, by who reads the layer's result.
double gain(const nn::Graph& graph, const nn::GroupedGraph& groups, const nn::LayerGroup& layer) {
  bool is_linear = false;
  for (const nn::LayerGroup& reader : groups.groups) {
    if (std::ranges::find(reader.inputs, layer.output) == reader.inputs.end()) continue;
    const nn::Op& op = *graph.nodes[reader.main].op;
    if (op.is_elementwise_sum()) return 0.25;
    is_linear = is_linear || op.has_weight();
  }
  for (const int follower : layer.followers)
    if (graph.nodes[follower].op->activation()) return 2;
  return is_linear ? 1 : 2;
}

void seed_weights(const quant::PreparedModel& prepared, Rng& rng) {
  const nn::Graph& graph = prepared.graph();
  for (const nn::LayerGroup& layer : prepared.groups().groups) {
    const nn::GraphNode& node = graph.nodes[layer.main];
    if (!node.op->has_weight()) continue;
    const Tensor& weight = graph.values[node.inputs[1]].constant;
    const auto fan_in = static_cast<double>(weight.elements() / weight.dim(0));
    const auto bound =
        static_cast<float>(std::sqrt(3 * gain(graph, prepared.groups(), layer) / fan_in));
    for (float& v : weight.values<float>()) v = rng.uniform(-bound, bound);
    if (node.inputs.size() < 3) continue;
    for (float& v : graph.values[node.inputs[2]].constant.values<float>())
      v = rng.uniform(-kBias, kBias);
  }
}

}  // namespace

engine::Program make_seeded_model(const ModelEntry& entry) {
  const std::unique_ptr<nn::Module> model = entry.create({});
  const int64_t side = entry.preprocessing.crop;
  const Tensor image = Tensor::empty({1, side, side, 3});
  Rng rng(kSeed);
  for (float& v : image.values<float>()) v = rng.uniform(-2.0f, 2.0f);
  make_identities(*model, rng);
  const auto prepared =
      quant::prepare_qat(*model, image, quant::get_default_qat_qconfig_mapping("x86"));
  seed_weights(*prepared, rng);
  prepared->eval();
  prepared->freeze_bn_stats();
  (*prepared)(image);
  engine::Program program = quant::convert(*prepared).program;
  program.set_metadata("model", entry.name);
  return program;
}

}  // namespace octet::zoo
