#include "quant/sensitivity.h"

#include <algorithm>

#include "base/error.h"
#include "quant/convert.h"

namespace octet::quant {
namespace {

double score_of(const PreparedModel& prepared, const Score& score) {
  return score(convert(prepared).program);
}

}  // namespace

std::vector<LayerSensitivity> list_layers(const PreparedModel& prepared) {
  std::vector<LayerSensitivity> layers;
  for (size_t g = 0; g < prepared.groups().groups.size(); ++g) {
    const nn::GraphNode& node = prepared.graph().nodes[prepared.groups().groups[g].main];
    if (prepared.is_quantized(g) && node.op->quant_role() == nn::QuantRole::observed)
      layers.push_back({g, node.path, node.op->name(), 0});
  }
  return layers;
}

std::vector<LayerSensitivity> measure_sensitivity(PreparedModel& prepared, const Score& score) {
  std::vector<LayerSensitivity> layers = list_layers(prepared);
  const auto keep_all = [&](bool on) {
    for (const LayerSensitivity& layer : layers) prepared.keep_float(layer.group, on);
  };
  keep_all(true);
  try {
    for (LayerSensitivity& layer : layers) {
      prepared.keep_float(layer.group, false);
      layer.score = score_of(prepared, score);
      prepared.keep_float(layer.group);
    }
  } catch (...) {
    keep_all(false);
    throw;
  }
  keep_all(false);
  return layers;
}

size_t keep_float_until(PreparedModel& prepared, std::vector<LayerSensitivity> layers,
                        const Score& score, double wanted) {
  std::stable_sort(layers.begin(), layers.end(),
                   [](const auto& a, const auto& b) { return a.score < b.score; });
  const auto keep = [&](size_t count) {
    for (size_t i = 0; i < layers.size(); ++i) prepared.keep_float(layers[i].group, i < count);
  };
  // As if more float layers were never worse: too few are known not to do, enough to do.
  size_t too_few = 0, enough = layers.size();
  keep(0);
  try {
    if (score_of(prepared, score) >= wanted) return 0;
    keep(enough);
    const double best = score_of(prepared, score);
    OCTET_CHECK(best >= wanted, "mixed precision: asked for a score of ", wanted, ", with all ",
                enough, " layers in float it is ", best);
    while (enough - too_few > 1) {
      const size_t middle = (too_few + enough) / 2;
      keep(middle);
      (score_of(prepared, score) >= wanted ? enough : too_few) = middle;
    }
  } catch (...) {
    keep(0);
    throw;
  }
  keep(enough);
  return enough;
}

}  // namespace octet::quant
