// qat_weighted: a convolution or linear layer, with its batch norm and activation, in
// quantization-aware training.
//
// Input and output are integers (u8). Two forms of one layer:
//
// Batch norm by batch statistics, or observers on. As torch's ConvBn2d (_forward_approximate), with
// f = gamma / sqrt(running_var + eps) of before this batch (1 without batch norm; 1 where it is 0):
//   w_q   = fake_quantize(w * f)                     weight observers see w * f
//   conv  = conv(x, w_q / f)                         integers, exact up to one rounding
//   y     = quantize(clamp(batch_norm(conv)))        or conv + bias; observers see it before
//
// Gradients go through f to gamma only, and straight through both quantizations.
//
// Frozen (batch norm by running statistics, observers off). The layer as it will be converted:
// folded weights, bias and multiplier of the plan (layer_plan.h), and its integers to the bit.
#pragma once

#include "quant/layer_plan.h"
#include "quant/prepare.h"

namespace octet::quant {

// A layer of the graph in a pass: group `group` of `prepared`, which has weights.
struct QatLayer {
  PreparedModel& prepared;
  size_t group;
  QParams x;  // of its input
};

// Trained by the first form. x: u8. Moves observers that are on, or that have seen nothing.
// `output` becomes the qparams of the result.
Tensor qat_weighted(const QatLayer& layer, const Tensor& x, QParams& output);

// By the second form, from the layer's plan.
Tensor qat_weighted_frozen(const QatLayer& layer, const LayerPlan& plan, const Tensor& x);

}  // namespace octet::quant
