// The ways to an int8 model (quantize_job.h), each a function from the job to a program.
#pragma once

#include <optional>
#include <vector>

#include "engine/program.h"
#include "quant/convert.h"
#include "quant/sensitivity.h"
#include "zoo/layer_times.h"
#include "zoo/quantize_job.h"

namespace octet::zoo {

// What a workflow ends with; layers are known where it converted the model itself.
struct Int8Model {
  engine::Program program;
  std::vector<quant::LayerReport> layers = {};
  size_t calibration_images = 0;
  std::vector<quant::LayerSensitivity> sensitivities = {};
  std::optional<PreferredSpeed> speed = {};
};

struct WorkflowEntry {
  const char* name;    // what the user types
  const char* column;  // its title in the report
  bool has_qconfig;    // the job's qconfig says how finely; else what is converted decides
  // Trains or calibrates as the job says; the job's float model keeps its weights. No metadata are
  // added. Throws octet::Error, and Interrupted after Ctrl-C.
  Int8Model (*run)(QuantizeJob& job, ParallelFor& pool);
};
const WorkflowEntry& entry_of(Workflow workflow);

// f32 zeros [1, crop, crop, 3]: what models of the data's images are traced with.
Tensor example_of(const Dataset& data);

}  // namespace octet::zoo
