// convert: a calibrated model becomes an int8 program for the engine.
//
// Weights are folded with batch norm, quantized, biases go to s32 at scale s_x * s_w; where a
// quantized value meets a float layer, quantize and dequantize instructions stand between. The
// float model for comparison is nn::lower(nn::trace(model, example)).
#pragma once

#include <string>
#include <vector>

#include "engine/program.h"
#include "quant/prepare.h"

namespace octet::quant {

// What became of one layer.
struct LayerReport {
  std::string name;  // module path
  std::string op;    // "conv2d"
  bool quantized;
  std::string note;  // why it stayed float, or what was adjusted; empty when all is as asked
};

struct Conversion {
  engine::Program program;
  std::vector<LayerReport> layers;
};

// Throws octet::Error that names the layer when one was never observed or can't be represented.
Conversion convert(const PreparedModel& prepared);

}  // namespace octet::quant
