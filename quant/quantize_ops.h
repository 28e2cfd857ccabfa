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

// A weight as it is where weights alone are quantized: on the scales of row_scales()
// (weight_quantization.h), and back. No weight is beyond the range of its row: the gradient passes
// unchanged.
Tensor fake_quantize_rows(const Tensor& weight);

// dy where x rounds to an integer in the range, else 0.
Tensor pass_straight_through(const Tensor& dy, const Tensor& x, const QParams& qparams);

}  // namespace octet::quant
