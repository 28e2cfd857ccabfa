// measurement: how fast a model runs, and a hash of what it computes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "zoo/evaluate.h"

namespace octet::zoo {

struct MeasureOptions {
  size_t runs = 100;  // >= 1
  size_t batch = 1;   // >= 1
  uint64_t seed = 1;  // of the input
};

struct Measurement {
  std::string name;    // of the model, from its metadata; may be empty
  std::string target;  // "AVX3_VNNI, 2 threads"
  size_t runs = 0, batch = 1;
  Latency latency = {};  // of a batch
  size_t profiles = 0;   // runs of which each layer was timed: a tenth, at least 5
  size_t weight_bytes = 0, packed_bytes = 0, activation_bytes = 0;
  // FNV-1a of all outputs on the input of that seed (made_inputs.h).
  std::string hash;
  // What it is on every machine; empty where that is not known (ModelEntry::golden).
  std::string golden;
  // Every layer with weights multiplies integers: the hash is the same on every machine.
  bool is_integer = false;
  std::vector<engine::LayerProfile> layers;  // each one's fastest time
  std::vector<std::string> dtypes;           // by layer: "u8 x s8"
};

// Throws octet::Error, and Interrupted after Ctrl-C.
Measurement measure_model(const ModelPtr& model, ParallelFor& pool, const MeasureOptions& options);

std::string to_text(const Measurement& measurement);
nlohmann::ordered_json to_json(const Measurement& measurement);

}  // namespace octet::zoo
