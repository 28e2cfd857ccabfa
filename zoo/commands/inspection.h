// inspection: what stands in a model file, as data, as a table for people and as JSON for machines.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/model.h"

namespace octet::zoo {

// The constants of one instruction.
struct WeightFacts {
  size_t bytes = 0;  // of all: weights, bias, scales
  // Of s8 weights: their scales' range, and the fewest bits that hold every weight.
  std::optional<std::pair<float, float>> scales;
  int bits = 0;  // 32 for f32 weights, 0 where there are none
};

struct LayerFacts {
  std::string name, op, kernel;
  std::vector<Shape> inputs;  // activations
  Shape output;
  DType dtype;                     // of the output
  std::optional<QParams> qparams;  // of the output
  WeightFacts weights;
  size_t macs;
};

struct ModelFacts {
  std::string path;
  size_t file_bytes = 0;
  uint32_t file_version = 0;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> inputs, outputs;  // "f32 [1, 224, 224, 3]"
  std::vector<LayerFacts> layers;
  size_t constant_bytes = 0, macs = 0;
  // Of the arena, and of all that is alive during one instruction, at most: no plan needs less.
  size_t peak_activation_bytes = 0, live_activation_bytes = 0;
};

std::vector<LayerFacts> layers_of(const engine::Model& model);
// `path`: the file that the model is from. Throws octet::Error when it can't be read.
ModelFacts facts_of(const engine::Model& model, const std::string& path);

std::string to_text(const ModelFacts& facts);
nlohmann::ordered_json to_json(const ModelFacts& facts);

}  // namespace octet::zoo
