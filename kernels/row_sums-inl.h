// Sums along a row, and the exponentials of softmax, with the same bits on every target. The
// specification: row_sums_ref.h, and exp_sum of activation_f32_ref.h.
#if defined(OCTET_KERNELS_ROW_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_ROW_SUMS_INL_H_
#undef OCTET_KERNELS_ROW_SUMS_INL_H_
#else
#define OCTET_KERNELS_ROW_SUMS_INL_H_
#endif

#include <algorithm>

#include "hwy/highway.h"
#include "kernels/gates-inl.h"
#include "kernels/row_sums_ref.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// term(d, i): the terms from i on, as many as the tag has lanes; called for each i once, in order.
template <class Term>
HWY_INLINE float sum_row(size_t n, const Term& term) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, kernels::ref::kPartialSums> d;
  constexpr size_t kLanes = hn::MaxLanes(d), kVectors = kernels::ref::kPartialSums / kLanes;
  hn::Vec<decltype(d)> sums[kVectors];
  for (size_t v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
  size_t i = 0;
  for (; i + kernels::ref::kPartialSums <= n; i += kernels::ref::kPartialSums)
    for (size_t v = 0; v < kVectors; ++v) sums[v] = hn::Add(sums[v], term(d, i + v * kLanes));
  HWY_ALIGN float partials[kernels::ref::kPartialSums];
  for (size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], d, partials + v * kLanes);
  for (size_t v = 0; v < kVectors && i + kLanes <= n; ++v, i += kLanes) {
    const auto sum = hn::Add(hn::Load(d, partials + v * kLanes), term(d, i));
    hn::Store(sum, d, partials + v * kLanes);
  }
  for (; i < n; ++i)
    partials[i % kernels::ref::kPartialSums] += hn::GetLane(term(hn::CappedTag<float, 1>(), i));
  return kernels::ref::sum_of_partials(partials);
}

// n > 0; a NaN may be lost.
HWY_INLINE float max_of_row(const float* x, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, kernels::ref::kPartialSums> d;
  const size_t lanes = hn::Lanes(d);
  float max = x[0];
  size_t i = 0;
  if (n >= lanes) {
    auto maxima = hn::LoadU(d, x);
    for (i = lanes; i + lanes <= n; i += lanes) maxima = hn::Max(maxima, hn::LoadU(d, x + i));
    max = hn::GetLane(hn::MaxOfLanes(d, maxima));
  }
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

// y = exp(x - max), the sum of which is returned; n > 0, y may be x.
HWY_INLINE float exp_row(const float* x, float* y, size_t n, float max) {
  namespace hn = hwy::HWY_NAMESPACE;
  return sum_row(n, [=](auto d, size_t i) HWY_ATTR {
    const auto below = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, max));
    const auto e = keep_nan(below, exp_negative(d, below));
    hn::StoreU(e, d, y + i);
    return e;
  });
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
