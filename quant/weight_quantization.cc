#include "quant/weight_quantization.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/quantize_rows.h"
#include "tensor/threads.h"

namespace octet::quant {
namespace {

namespace kernel = kernels::quantize_rows;

size_t row_size(const Tensor& weight) {
  return weight.dim(0) > 0 ? static_cast<size_t>(weight.elements() / weight.dim(0)) : 0;
}

kernel::Rows rows_of(const WeightRows& rows) {
  return {rows.weight.data<float>(), static_cast<size_t>(rows.weight.dim(0)), row_size(rows.weight),
          rows.factor.empty() ? nullptr : rows.factor.data()};
}

template <class Run>
void run_rows(size_t rows, const Run& run) {
  default_pool()(rows, [&](size_t begin, size_t end, unsigned) { run(begin, end); });
}

}  // namespace

std::vector<ValueRange> row_ranges(const WeightRows& rows) {
  const auto count = static_cast<size_t>(rows.weight.dim(0));
  std::vector<float> min(count), max(count);
  // Of w alone: rounding keeps order, so the ends of w * f are products of the ends of w.
  run_rows(count, [&](size_t begin, size_t end) {
    kernel::range(rows_of({rows.weight, {}}), min.data(), max.data(), begin, end);
  });
  std::vector<ValueRange> ranges;
  for (size_t o = 0; o < count; ++o) {
    OCTET_CHECK(std::isfinite(min[o]) && std::isfinite(max[o]), "weights of output channel ", o,
                " are not finite");
    const float f = rows.factor_of(static_cast<int64_t>(o)), a = min[o] * f, b = max[o] * f;
    ranges.push_back({std::min(a, b), std::max(a, b)});
  }
  return ranges;
}

std::vector<float> row_scales(const Tensor& weight) {
  std::vector<float> scales;
  for (const ValueRange& range : row_ranges({weight, {}}))
    scales.push_back(choose_qparams(range.min, range.max, {-127, 127}, Scheme::symmetric).scale);
  return scales;
}

Tensor quantize_rows(const WeightRows& rows, const std::vector<float>& scale,
                     const QuantRange& range) {
  Tensor q = Tensor::empty(rows.weight.shape(), DType::s8);
  run_rows(scale.size(), [&](size_t begin, size_t end) {
    kernel::quantize(rows_of(rows), {scale.data(), range.quant_min, range.quant_max},
                     q.data<int8_t>(), begin, end);
  });
  return q;
}

Tensor dequantize_rows(const Tensor& q, const std::vector<float>& scale) {
  Tensor w = Tensor::empty(q.shape());
  const size_t n = row_size(q);
  run_rows(scale.size(), [&](size_t begin, size_t end) {
    kernel::dequantize(q.data<int8_t>(), n, scale.data(), w.data<float>(), begin, end);
  });
  return w;
}

WeightGradients rows_backward(const WeightRows& rows, const std::vector<float>& scale,
                              const QuantRange& range, const Tensor& dq,
                              const std::vector<float>& k) {
  WeightGradients gradients{dq.is_exclusive() ? dq : Tensor::empty(dq.shape()),
                            std::vector<double>(scale.size()), std::vector<double>(scale.size())};
  const kernel::Backward backward{
      rows_of(rows), {scale.data(), range.quant_min, range.quant_max}, dq.data<float>(), k.data()};
  run_rows(scale.size(), [&](size_t begin, size_t end) {
    kernel::backward(
        backward,
        {gradients.weight.data<float>(), gradients.g_dot_w.data(), gradients.dq_dot_q.data()},
        begin, end);
  });
  return gradients;
}

}  // namespace octet::quant
