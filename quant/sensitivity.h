// sensitivity: what the quantization of each layer costs, and mixed precision by it.
//
// Of a calibrated model (prepare.h), one layer at a time: the model with that layer alone in int8,
// judged by a score that the caller gives, as the SQNR of the outputs against the float model. The
// lower the score, the more the layer loses by being quantized.
//
//   const auto layers = quant::measure_sensitivity(*prepared, score);
//   quant::keep_float_until(*prepared, layers, score, 30.0);   // mixed precision
//   engine::Program program = quant::convert(*prepared).program;
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/program.h"
#include "quant/prepare.h"

namespace octet::quant {

// How good a converted model is: more is better.
using Score = std::function<double(engine::Program program)>;

struct LayerSensitivity {
  size_t group;      // of PreparedModel::groups()
  std::string name;  // module path
  std::string op;    // "conv2d"
  double score;      // of the model with this layer alone quantized
};

// Layers that are quantized and get qparams of their own, in the order of execution, without
// scores; what keeps its input's qparams (pooling, flatten) goes with the layer before it.
std::vector<LayerSensitivity> list_layers(const PreparedModel& prepared);

// The same with their scores. Calls score once for each.
// Leaves the prepared model as it was. Throws octet::Error as convert().
std::vector<LayerSensitivity> measure_sensitivity(PreparedModel& prepared, const Score& score);

// Keeps the layers with the lowest scores in float, as few as it takes for the score of the whole
// to be at least `wanted`; returns how many those are. Calls score about log2(layers) times. Throws
// octet::Error when not even a model with all of them in float comes up to it; then it is as it
// was.
size_t keep_float_until(PreparedModel& prepared, std::vector<LayerSensitivity> layers,
                        const Score& score, double wanted);

}  // namespace octet::quant
