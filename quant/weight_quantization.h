// weight_quantization: fake quantization of a layer's weights during training.
//
// Row o of a weight [rows, ...] has a factor f[o] in front (what batch norm will multiply by; 1
// where there is none):
//
//   q  = clamp(round(w * f[o] * (1 / scale[o])), quant_min, quant_max)          s8
//   backward, straight through: g = dq where the rounded integer was in the range, else 0
// scale[o] > 0. The formulas: kernels/quantize_rows.h.
#pragma once

#include <vector>

#include "quant/observers/range.h"
#include "quant/qparams.h"
#include "tensor/tensor.h"

namespace octet::quant {

struct WeightRows {
  Tensor weight;              // f32 [rows, ...]
  std::vector<float> factor;  // [rows]; empty: all 1
  float factor_of(int64_t o) const { return factor.empty() ? 1.0f : factor[o]; }
};

// Of w * f, one per row. Throws octet::Error for a weight that is NaN or infinite.
std::vector<ValueRange> row_ranges(const WeightRows& rows);

// The scales of weights that are quantized without an observer: max |w| / 127, one per row.
std::vector<float> row_scales(const Tensor& weight);

Tensor quantize_rows(const WeightRows& rows, const std::vector<float>& scale,
                     const QuantRange& range);

// q * scale[o]: f32 of the shape of q.
Tensor dequantize_rows(const Tensor& q, const std::vector<float>& scale);

struct WeightGradients {
  Tensor weight;                 // f32: g * k[o]
  std::vector<double> g_dot_w;   // [rows]: sum of g * w
  std::vector<double> dq_dot_q;  // [rows]: sum of dq * q
};
// dq: the gradient of q times something, of the weight's shape; written to where it is exclusive.
WeightGradients rows_backward(const WeightRows& rows, const std::vector<float>& scale,
                              const QuantRange& range, const Tensor& dq,
                              const std::vector<float>& k);

}  // namespace octet::quant
