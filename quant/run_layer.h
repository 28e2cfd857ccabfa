// run_layer: one layer of a prepared model on tensors, apart from the others.
#pragma once

#include <span>

#include "quant/layer_plan.h"
#include "quant/prepare.h"

namespace octet::quant {

enum class RunBy {
  kernels,    // what the engine runs
  reference,  // the scalar specification of each instruction
};

// The layer as planned, from its lowered instructions: u8 tensors (f32 for a layer that stays
// float) in and out. inputs: those of the group, any batch.
Tensor run_layer(const PreparedModel& prepared, const ModelPlan& plan, size_t group,
                 std::span<const Tensor> inputs, RunBy by);

// The layer's ops in float, on the tape. In training a batch norm uses the batch's statistics
// unless it is frozen. Where weights alone are quantized, with weights as they ship.
Tensor run_layer_in_float(const PreparedModel& prepared, size_t group,
                          std::span<const Tensor> inputs);

}  // namespace octet::quant
