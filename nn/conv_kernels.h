// conv_kernels: convolutions over tensors, forward and backward, on the threads of default_pool().
//
// A linear layer is the case of a 1x1 image (kernels/conv_f32.h). Depthwise convolutions go to the
// kernels that are made for them. `geometry` is always that of the forward pass; the caller has
// checked that tensors fit it. Weights are packed anew in each call: in training they change.
#pragma once

#include <vector>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_input.h"
#include "tensor/tape.h"
#include "tensor/tensor.h"

namespace octet::nn {

// Whether 3x3 convolutions in f32 and the gradients of their inputs and weights may take minimal
// filtering where it is faster (kernels/winograd_f32.h, winograd_f32_dw.h), here and in programs
// that are made meanwhile. On unless switched off; its rounding errors are a few times those of the
// direct form. While it is switched, no convolution may be running.
void set_winograd(bool on);
bool uses_winograd();

// y: f32 of that shape. bias: f32 [out_c] or undefined.
Tensor conv_forward(const kernels::Conv2dGeometry& geometry, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const Shape& y_shape);

// The same from integers: y = f32(sum weight * (x - x_zero_point) + bias) * multiplier[o], the
// sum exact. x: u8, weight: s8, bias: s32 [out_c], multiplier: f32 [out_c].
struct IntegerWeights {
  Tensor weight, bias, multiplier;
};
Tensor conv_forward(const kernels::Conv2dGeometry& geometry, const Tensor& x, int32_t x_zero_point,
                    const IntegerWeights& weights, const Shape& y_shape);

// The gradient of x, of that shape.
Tensor conv_dx(const kernels::Conv2dGeometry& geometry, const Tensor& weight, const Tensor& dy,
               const Shape& x_shape);
// The gradient of the weight, of that shape.
Tensor conv_dw(const kernels::Conv2dGeometry& geometry, const kernels::ConvInput& x,
               const Tensor& dy, const Shape& weight_shape);
// The gradient of the bias: the sum of dy: f32 [..., out_c] per channel.
Tensor conv_db(const Tensor& dy);

// The gradients that an op of inputs x, weight[, bias] is asked for, all of which it saved.
std::vector<Tensor> conv_backward(const kernels::Conv2dGeometry& geometry,
                                  const BackwardArgs& args);

}  // namespace octet::nn
