// qat_parts: what the two forms of a trained layer with weights (qat_weighted.h) have in common.
#pragma once

#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv_kernels.h"
#include "quant/prepare.h"
#include "quant/weight_quantization.h"

namespace octet::quant {

// The tensors and ops of a group with weights.
struct Parts {
  const nn::Op* op = nullptr;
  Tensor weight, bias;                               // bias undefined for none
  const nn::BatchNormOptions* batch_norm = nullptr;  // null for none
  Tensor gamma, beta, running_mean, running_var;
  nn::ClampRange range;
  Tensor weight_scale, output_scale;  // learned ones (LearnableScaleObserver); undefined for none
};

Parts parts_of(const PreparedModel& prepared, size_t group);

// What apply() gets: x, weight[, bias][, gamma, beta][, weight's scale][, output's scale].
std::vector<Tensor> inputs_of(const Parts& parts, const Tensor& x);

struct PartGradients {
  Tensor x, weight, bias, gamma, beta, weight_scale, output_scale;
};

// In the order of inputs_of.
std::vector<Tensor> in_order(const Parts& parts, const PartGradients& gradients);

Shape output_shape(const Tensor& x, const kernels::Conv2dGeometry& geometry);

// x: u8.
kernels::ConvInput integers(const Tensor& x, const QParams& qparams);

// Of a learned weight scale, with LSQ's factor (observers/learnable_scale.h); undefined when there
// is none. f[o] stands before the quantization, and 1 / divisor[o] behind it (empty: 1).
Tensor weight_scale_gradient(const Parts& parts, const WeightGradients& gradients,
                             const std::vector<float>& scale, const std::vector<float>& f,
                             const std::vector<float>& divisor, const QuantRange& range);

// Of a learned output scale s: d loss / d s of s * (clamp(round(v / s) + zero_point) - zero_point);
// undefined when there is none. v = x * scale + shift, or x * unit without a scale.
Tensor output_scale_gradient(const Parts& parts, const Tensor& dy, const Tensor& x,
                             const kernels::batch_norm_f32::Affine& affine, const QParams& qparams,
                             float unit);

}  // namespace octet::quant
