// layer_plan: every number that conversion needs, decided once from a calibrated model.
//
// convert() and simulate both start from this plan, so that what is simulated is what ships.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/qparams.h"
#include "nn/op.h"
#include "quant/prepare.h"

namespace octet::quant {

struct LayerPlan {
  // The folded layer; `quantization` is set when it becomes an integer instruction. program and
  // inputs are left for whoever lowers it.
  nn::Lowering layer;
  std::string note;  // why it stays float, or what was adjusted
};

struct ModelPlan {
  std::vector<LayerPlan> layers;                // by group
  std::vector<std::optional<QParams>> qparams;  // by graph value: set where it exists as u8
  std::vector<std::string> names;  // by graph value: the layer that made it, or the input
};

// Three adjustments keep a layer inside what its integers can hold; each is told in its note:
// a weight scale is raised until the bias is below 2^30 steps of s_x * s_w; an output scale is
// raised until no sum can requantize beyond 2^30; an output scale of a layer without weights is
// raised until its integer form holds the inputs' scales (Op::least_output_scale). They concern
// dead or degenerate layers only. Throws octet::Error that names a value which no calibration data
// has reached.
ModelPlan plan_layers(const PreparedModel& prepared);

// The same a layer at a time, in the order of execution: first a plan with the names of the graph's
// values and nothing else; then layer after layer, when the plan has the qparams of its inputs and,
// where the layer makes new ones, those observed of its output.
ModelPlan begin_plan(const PreparedModel& prepared);
void plan_layer(const PreparedModel& prepared, size_t group, ModelPlan& plan);

}  // namespace octet::quant
