#include "quant/fake_quantize.h"

#include <algorithm>

#include "base/error.h"

namespace octet::quant {
namespace {

void fake_quantize_run(const float* x, size_t n, const QParams& qparams, float* y, uint8_t* mask) {
  const float inv_scale = 1.0f / qparams.scale;
  // A range that clamps nothing which is inside the real one.
  QParams wide = qparams;
  wide.quant_min = qparams.quant_min - 1;
  wide.quant_max = qparams.quant_max + 1;
  for (size_t i = 0; i < n; ++i) {
    const int32_t q = quantize_value(x[i], inv_scale, wide);
    const int32_t clamped = std::clamp(q, qparams.quant_min, qparams.quant_max);
    y[i] = dequantize_value(clamped, qparams);
    mask[i] = q == clamped;
  }
}

}  // namespace

FakeQuantized fake_quantize(const Tensor& x, const QParams& qparams) {
  FakeQuantized result{Tensor::zeros(x.shape()), Tensor::zeros(x.shape(), DType::u8)};
  fake_quantize_run(x.data<float>(), static_cast<size_t>(x.elements()), qparams,
                    result.y.data<float>(), result.mask.data<uint8_t>());
  return result;
}

FakeQuantized fake_quantize(const Tensor& x, std::span<const QParams> qparams, int ch_axis) {
  if (qparams.size() == 1) return fake_quantize(x, qparams[0]);
  OCTET_CHECK(ch_axis >= 0 && ch_axis < x.rank(), "fake_quantize: ch_axis is ", ch_axis,
              ", input has shape ", x.shape().text());
  OCTET_CHECK(static_cast<int64_t>(qparams.size()) == x.dim(ch_axis),
              "fake_quantize: ", qparams.size(), " qparams for ", x.dim(ch_axis), " channels");
  size_t inner = 1;
  for (int d = ch_axis + 1; d < x.rank(); ++d) inner *= static_cast<size_t>(x.dim(d));

  FakeQuantized result{Tensor::zeros(x.shape()), Tensor::zeros(x.shape(), DType::u8)};
  const float* from = x.data<float>();
  float* y = result.y.data<float>();
  uint8_t* mask = result.mask.data<uint8_t>();
  const size_t elements = static_cast<size_t>(x.elements());
  size_t c = 0;
  for (size_t i = 0; i < elements; i += inner) {
    fake_quantize_run(from + i, inner, qparams[c], y + i, mask + i);
    c = c + 1 < qparams.size() ? c + 1 : 0;
  }
  return result;
}

FakeQuantize::FakeQuantize(std::unique_ptr<Observer> observer)
    : observer_(std::move(observer)), qparams_{observer_->empty_qparams()} {}

FakeQuantized FakeQuantize::operator()(const Tensor& x) {
  if (observer_enabled_) {
    observer_->observe(x);
    if (!observer_->never_observed()) qparams_ = observer_->qparams();
  }
  if (fake_quant_enabled_) return fake_quantize(x, qparams_, observer_->ch_axis().value_or(0));
  FakeQuantized result{x, Tensor::zeros(x.shape(), DType::u8)};
  std::ranges::fill(result.mask.values<uint8_t>(), uint8_t{1});
  return result;
}

}  // namespace octet::quant
