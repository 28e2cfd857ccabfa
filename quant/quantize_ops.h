// quantize_ops: where floats meet integers in a model that is trained.
#pragma once

#include "base/qparams.h"
#include "tensor/tape.h"

namespace octet::quant {

// f32 -> u8, by kernels/quantize.h. The gradient passes straight through where the rounded integer
// was in the range.
Tensor quantize(const Tensor& x, const QParams& qparams);
// u8 -> f32; the gradient passes unchanged.
Tensor dequantize(const Tensor& q, const QParams& qparams);

// The same outside the tape.
Tensor quantize_values(const Tensor& x, const QParams& qparams);
Tensor dequantize_values(const Tensor& q, const QParams& qparams);

// dy where x rounds to an integer in the range, else 0.
Tensor pass_straight_through(const Tensor& dy, const Tensor& x, const QParams& qparams);

}  // namespace octet::quant
