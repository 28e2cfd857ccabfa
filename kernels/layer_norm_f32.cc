#include "kernels/layer_norm_f32.h"

#include "kernels/layer_norm_f32_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_norm_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, once per target.
#include "kernels/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

namespace norm_ref = kernels::ref::layer_norm_f32;

norm_ref::Statistics row_statistics(const float* x, size_t n, float eps) {
  const float sum = sum_row(n, [=](auto d, size_t i) HWY_ATTR { return hn::LoadU(d, x + i); });
  const float mean = norm_ref::mean_of(sum, n);
  const float squares = sum_row(n, [=](auto d, size_t i) HWY_ATTR {
    const auto centered = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    return hn::Mul(centered, centered);
  });
  return {mean, norm_ref::inverse_of(squares, n, eps)};
}

template <class D>
HWY_INLINE void normalize(D d, size_t i, const layer_norm_f32::Params& p, norm_ref::Statistics s,
                          const float* x, float* y) {
  const auto centered = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, s.mean));
  const auto scaled = hn::Mul(hn::Mul(centered, hn::Set(d, s.inverse)), hn::LoadU(d, p.weight + i));
  hn::StoreU(hn::Add(scaled, hn::LoadU(d, p.bias + i)), d, y + i);
}

void norm_rows(const layer_norm_f32::Params& p, size_t rows, const float* x, float* y,
               float* statistics) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t row = 0; row < rows; ++row, x += p.n, y += p.n) {
    const norm_ref::Statistics s = row_statistics(x, p.n, p.eps);
    size_t i = 0;
    for (; i + lanes <= p.n; i += lanes) normalize(d, i, p, s, x, y);
    for (; i < p.n; ++i) normalize(hn::CappedTag<float, 1>(), i, p, s, x, y);
    if (statistics == nullptr) continue;
    statistics[2 * row] = s.mean;
    statistics[2 * row + 1] = s.inverse;
  }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(norm_rows);

void layer_norm_f32::run(const Params& params, size_t rows, const float* x, float* y,
                         float* statistics) noexcept {
  HWY_DYNAMIC_DISPATCH(norm_rows)(params, rows, x, y, statistics);
}

}  // namespace octet::kernels
#endif  // HWY_ONCE
