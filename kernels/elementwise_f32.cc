#include "kernels/elementwise_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/clamp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

template <class D>
HWY_INLINE void add_step(D d, const float* a, const float* b, float* y, float lo, float hi) {
  hn::StoreU(clamp_vector(d, hn::Add(hn::LoadU(d, a), hn::LoadU(d, b)), lo, hi), d, y);
}

template <class D>
HWY_INLINE void clamp_step(D d, const float* x, float* y, float lo, float hi) {
  hn::StoreU(clamp_vector(d, hn::LoadU(d, x), lo, hi), d, y);
}

template <class D>
HWY_INLINE void clamp_gradient_step(D d, const float* y, const float* dy, float* dx, float lo,
                                    float hi) {
  const auto vy = hn::LoadU(d, y);
  const auto stops = hn::Or(hn::Le(vy, hn::Set(d, lo)), hn::Ge(vy, hn::Set(d, hi)));
  hn::StoreU(hn::IfThenZeroElse(stops, hn::LoadU(d, dy)), d, dx);
}

void add_f32(const float* a, const float* b, float* y, size_t n, float lo, float hi) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) add_step(d, a + i, b + i, y + i, lo, hi);
  for (; i < n; ++i) add_step(hn::CappedTag<float, 1>(), a + i, b + i, y + i, lo, hi);
}

void clamp_f32(const float* x, float* y, size_t n, float lo, float hi) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) clamp_step(d, x + i, y + i, lo, hi);
  for (; i < n; ++i) clamp_step(hn::CappedTag<float, 1>(), x + i, y + i, lo, hi);
}

void clamp_gradient_f32(const float* y, const float* dy, float* dx, size_t n, float lo, float hi) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) clamp_gradient_step(d, y + i, dy + i, dx + i, lo, hi);
  for (; i < n; ++i) clamp_gradient_step(hn::CappedTag<float, 1>(), y + i, dy + i, dx + i, lo, hi);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(add_f32);
HWY_EXPORT(clamp_f32);
HWY_EXPORT(clamp_gradient_f32);

namespace elementwise_f32 {

void add(const float* a, const float* b, float* y, size_t n, float lo, float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(add_f32)(a, b, y, n, lo, hi);
}

void clamp(const float* x, float* y, size_t n, float lo, float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(clamp_f32)(x, y, n, lo, hi);
}

void clamp_gradient(const float* y, const float* dy, float* dx, size_t n, float lo,
                    float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(clamp_gradient_f32)(y, dy, dx, n, lo, hi);
}

}  // namespace elementwise_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE
