// channel_scales: factors of the channels of values (equalize.h) in the layers that make and read
// those values. Tensors are changed in place.
#pragma once

#include "tensor/tensor.h"

namespace octet::quant {

// tensor[o, ...] *= y[o]. y: f32 [out_c]; tensor: f32, a weight or a bias of out_c channels.
void scale_outputs(const Tensor& y, const Tensor& tensor);
// weight[..., c] /= x[c], of a depthwise weight [c, kh, kw, 1] weight[c, ...] /= x[c].
// x: f32 [in_c].
void scale_inputs(const Tensor& x, const Tensor& weight);

}  // namespace octet::quant
