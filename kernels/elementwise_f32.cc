#include "kernels/elementwise_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/clamp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// step(d, i) for whole vectors, then for single elements.
template <class Step>
HWY_INLINE void for_vectors(size_t n, const Step& step) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(d, i);
  for (; i < n; ++i) step(hn::CappedTag<float, 1>(), i);
}

void add_f32(const float* a, const float* b, float* y, size_t n, float lo, float hi) {
  for_vectors(n, [=](auto d, size_t i) HWY_ATTR {
    hn::StoreU(clamp_vector(d, hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), lo, hi), d,
               y + i);
  });
}

void clamp_f32(const float* x, float* y, size_t n, float lo, float hi) {
  for_vectors(n, [=](auto d, size_t i) HWY_ATTR {
    hn::StoreU(clamp_vector(d, hn::LoadU(d, x + i), lo, hi), d, y + i);
  });
}

void clamp_backward_f32(const float* dy, const float* x, float* dx, size_t n, float lo, float hi) {
  for_vectors(n, [=](auto d, size_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, x + i);
    const auto inside = hn::And(hn::Gt(v, hn::Set(d, lo)), hn::Lt(v, hn::Set(d, hi)));
    hn::StoreU(hn::IfThenElseZero(inside, hn::LoadU(d, dy + i)), d, dx + i);
  });
}

void mul_f32(const float* a, const float* b, float* y, size_t n) {
  for_vectors(n, [=](auto d, size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  });
}

void gate_f32(const float* a, const float* b, float* y, size_t pixels, size_t channels) {
  for (size_t p = 0; p < pixels; ++p) mul_f32(a + p * channels, b, y + p * channels, channels);
}

void scale_f32(const float* x, float factor, float* y, size_t n) {
  for_vectors(n, [=](auto d, size_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), d, y + i);
  });
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(add_f32);
HWY_EXPORT(clamp_f32);
HWY_EXPORT(clamp_backward_f32);
HWY_EXPORT(mul_f32);
HWY_EXPORT(gate_f32);
HWY_EXPORT(scale_f32);

namespace elementwise_f32 {

void add(const float* a, const float* b, float* y, size_t n, float lo, float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(add_f32)(a, b, y, n, lo, hi);
}

void clamp(const float* x, float* y, size_t n, float lo, float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(clamp_f32)(x, y, n, lo, hi);
}

void clamp_backward(const float* dy, const float* x, float* dx, size_t n, float lo,
                    float hi) noexcept {
  HWY_DYNAMIC_DISPATCH(clamp_backward_f32)(dy, x, dx, n, lo, hi);
}

void mul(const float* a, const float* b, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(mul_f32)(a, b, y, n);
}

void gate(const float* a, const float* b, float* y, size_t pixels, size_t channels) noexcept {
  HWY_DYNAMIC_DISPATCH(gate_f32)(a, b, y, pixels, channels);
}

void scale(const float* x, float factor, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(scale_f32)(x, factor, y, n);
}

}  // namespace elementwise_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE
