// qat_products: a layer with several weight matrices (nn::Op::weight_inputs: an LSTM) in
// quantization-aware training.
//
// Forward is the engine's instruction on integers, with weights on the scales that conversion would
// give them now: in training, frozen or not, and in eval mode the layer is what ships, to the bit.
// Backward is the gradient of the float op at the dequantized input and weights, with its state
// rounded in every step as the integers are (nn::Op::on_grid); it passes straight through all
// roundings whose result was in the range.
#pragma once

#include <span>

#include "quant/layer_plan.h"
#include "quant/prepare.h"

namespace octet::quant {

// Whether that layer is one.
bool has_products(const PreparedModel& prepared, size_t group);

// plan: has that of the layer. x: the layer's activations, u8. The result is u8.
Tensor qat_products(const PreparedModel& prepared, const ModelPlan& plan, size_t group,
                    std::span<const Tensor> x);

}  // namespace octet::quant
