#include "quant/weight_quantization.h"

#include "base/error.h"

namespace octet::quant {
namespace {

int64_t row_size(const Tensor& weight) {
  return weight.dim(0) > 0 ? weight.elements() / weight.dim(0) : 0;
}

}  // namespace

std::vector<ValueRange> row_ranges(const WeightRows& rows) {
  const auto n = static_cast<size_t>(row_size(rows.weight));
  std::vector<ValueRange> ranges;
  for (int64_t o = 0; o < rows.weight.dim(0); ++o) {
    const float f = rows.factor_of(o);
    const size_t first = static_cast<size_t>(o) * n;
    const ValueRange r = find_range(rows.weight.values<float>().subspan(first, n), first);
    // Rounding keeps order, so the ends of w * f are products of the ends of w.
    const float a = r.min * f, b = r.max * f;
    ranges.push_back({std::min(a, b), std::max(a, b)});
  }
  return ranges;
}

Tensor quantize_rows(const WeightRows& rows, const std::vector<float>& scale,
                     const QuantRange& range) {
  const int64_t n = row_size(rows.weight);
  Tensor q = Tensor::empty(rows.weight.shape(), DType::s8);
  for (int64_t o = 0; o < q.dim(0); ++o) {
    const QParams qparams{scale[o], 0, range.quant_min, range.quant_max};
    const float f = rows.factor_of(o), inverse = 1.0f / scale[o];
    const float* w = rows.weight.data<float>() + o * n;
    int8_t* to = q.data<int8_t>() + o * n;
    for (int64_t i = 0; i < n; ++i)
      to[i] = static_cast<int8_t>(quantize_value(w[i] * f, inverse, qparams));
  }
  return q;
}

Tensor dequantize_rows(const Tensor& q, const std::vector<float>& scale) {
  const int64_t n = row_size(q);
  Tensor w = Tensor::empty(q.shape());
  for (int64_t o = 0; o < q.dim(0); ++o) {
    const int8_t* from = q.data<int8_t>() + o * n;
    float* to = w.data<float>() + o * n;
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<float>(from[i]) * scale[o];
  }
  return w;
}

WeightGradients rows_backward(const WeightRows& rows, const std::vector<float>& scale,
                              const QuantRange& range, const Tensor& q, const Tensor& dq,
                              const std::vector<float>& k) {
  const int64_t n = row_size(q), count = q.dim(0);
  WeightGradients gradients{dq.is_exclusive() ? dq : Tensor::empty(q.shape()),
                            std::vector<double>(count), std::vector<double>(count)};
  for (int64_t o = 0; o < count; ++o) {
    const QParams wide{scale[o], 0, range.quant_min - 1, range.quant_max + 1};
    const float f = rows.factor_of(o), inverse = 1.0f / scale[o];
    const float* w = rows.weight.data<float>() + o * n;
    const int8_t* integers = q.data<int8_t>() + o * n;
    const float* from = dq.data<float>() + o * n;
    float* to = gradients.weight.data<float>() + o * n;
    double gw = 0, dqq = 0;
    for (int64_t i = 0; i < n; ++i) {
      const bool passes = quantize_value(w[i] * f, inverse, wide) == integers[i];
      const float g = passes ? from[i] : 0.0f;
      gw += double{g} * w[i];
      dqq += double{from[i]} * integers[i];
      to[i] = g * k[o];
    }
    gradients.g_dot_w[o] = gw;
    gradients.dq_dot_q[o] = dqq;
  }
  return gradients;
}

}  // namespace octet::quant
