// qat_forward: one pass of a model in quantization-aware training.
//
// Between quantized layers values are integers (u8), which is what fake quantization makes of
// them; gradients are of the real numbers they stand for. A convolution or linear layer runs the
// integer kernel (qat_weighted.h), an LSTM its instruction (qat_products.h), any other quantized
// layer the engine's own with the gradient of its float op.
//
// In eval mode, and in training where batch norm is frozen and the observers are off, every integer
// is that of the converted model, to the bit: all numbers come from the same plan (layer_plan.h).
// Layers that stay float run in float.
//
// In training, dropout drops between layers: x / (1 - p) on the scale of x, as in FX graph mode,
// where its output shares the qparams of its input; observers see x before. A dropout inside a
// fused layer (between a convolution and its batch norm) is left out.
#pragma once

#include "quant/prepare.h"

namespace octet::quant {

// x: f32, any batch; f32 result. In training observers see every value unless they are off; what
// was never observed is observed in any case.
Tensor qat_forward(PreparedModel& prepared, const Tensor& x);

}  // namespace octet::quant
