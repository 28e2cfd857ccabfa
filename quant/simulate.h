// simulate: what the converted model computes, layer by layer, by the scalar specification.
//
// Each layer runs alone, as a program of one instruction, by the reference that stands beside its
// kernel: no packing, no SIMD, no memory plan, no neighbour. The converted program, run by the
// engine, must give the same integers (a test holds every zoo model to it).
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quant/prepare.h"

namespace octet::quant {

struct Simulation {
  Tensor output;                                         // f32
  std::vector<std::pair<std::string, Tensor>> integers;  // every value that exists as u8, by name
};

// inputs: as the model takes them, any batch. The prepared model has been calibrated.
Simulation simulate(const PreparedModel& prepared, std::span<const Tensor> inputs);

}  // namespace octet::quant
