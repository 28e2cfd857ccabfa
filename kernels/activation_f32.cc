#include "kernels/activation_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, once per target.
#include "hwy/contrib/math/math-inl.h"
#include "kernels/gates-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// For x <= 0. Below -104 the result is 0; Exp converts to s32 first.
template <class D, class V>
HWY_INLINE V exp_negative(D d, V x) {
  return hn::Exp(d, hn::Max(x, hn::Set(d, -104.0f)));
}

struct Sigmoid {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return sigmoid_vector(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V y, V dy) {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, 1.0f), y)));
  }
};

struct Tanh {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return tanh_vector(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V y, V dy) {
    const V one = hn::Set(d, 1.0f);
    return hn::Mul(dy, hn::Mul(hn::Sub(one, y), hn::Add(one, y)));
  }
};

// Phi(x) and exp(-x^2 / 2), which it is made of.
template <class V>
struct Normal {
  V phi, bell;
};

// Phi(-|x|) = exp(-z^2) erfcx(z) / 2 with z = |x| / sqrt(2). erfcx(z) / t is a polynomial in
// t = 1 / (1 + 0.3 z): interpolated in the 9 Chebyshev nodes of 0 <= z <= 9.6, where exp(-z^2)
// has left the range of f32; relative error 2.4e-8.
template <class D, class V>
HWY_INLINE Normal<V> normal(D d, V x) {
  constexpr float kErfcx[] = {0.16917450376283272f, 0.17092396978193808f,  0.1469778152096705f,
                              0.2198231461360163f,  -0.10529627744869384f, 0.5620701635073168f,
                              -0.5240180891517117f, 0.4909047244245577f,   -0.13055997634026634f};
  const V one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f);
  const V slope = hn::Set(d, 0.3f * 0.70710678f);
  const V t = hn::Div(one, hn::Add(one, hn::Mul(slope, hn::Abs(x))));
  V r = hn::Set(d, kErfcx[8]);
  for (int i = 7; i >= 0; --i) r = hn::MulAdd(r, t, hn::Set(d, kErfcx[i]));
  const V bell = exp_negative(d, hn::Mul(hn::Mul(x, x), hn::Neg(half)));
  const V tail = hn::Mul(hn::Mul(half, bell), hn::Mul(t, r));
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail)), bell};
}

struct Gelu {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    // Far below, where Phi is 0: x may be infinite.
    const V near = hn::Max(x, hn::Set(d, -20.0f));
    return keep_nan(x, hn::Mul(near, normal(d, near).phi));
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V dy) {
    const V bound = hn::Set(d, 20.0f);
    const V near = hn::Min(hn::Max(x, hn::Neg(bound)), bound);
    const Normal<V> n = normal(d, near);
    const V density = hn::Mul(n.bell, hn::Set(d, 0.398942280f));
    return keep_nan(x, hn::Mul(dy, hn::MulAdd(near, density, n.phi)));
  }
};

template <class D, class V>
HWY_INLINE V hard_gate(D d, V x) {
  const V shifted = hn::Add(x, hn::Set(d, 3.0f));
  const V clamped = hn::Min(hn::Max(shifted, hn::Zero(d)), hn::Set(d, 6.0f));
  return hn::Mul(clamped, hn::Set(d, 1.0f / 6.0f));
}

struct Hardsigmoid {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return keep_nan(x, hard_gate(d, x));
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V dy) {
    const auto passes = hn::Lt(hn::Abs(x), hn::Set(d, 3.0f));
    return hn::IfThenElseZero(passes, hn::Mul(dy, hn::Set(d, 1.0f / 6.0f)));
  }
};

struct Hardswish {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    // Not x: -inf * 0 is NaN.
    const V near = hn::Max(x, hn::Set(d, -3.0f));
    return keep_nan(x, hn::Mul(near, hard_gate(d, x)));
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V dy) {
    const V three = hn::Set(d, 3.0f);
    const V slope = hn::MulAdd(x, hn::Set(d, 1.0f / 3.0f), hn::Set(d, 0.5f));
    const V dx = hn::IfThenElse(hn::Gt(x, three), dy, hn::Mul(dy, slope));
    return hn::IfThenZeroElse(hn::Lt(x, hn::Neg(three)), dx);
  }
};

template <class F>
void map(const float* x, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F::value(d, hn::LoadU(d, x + i)), d, y + i);
  for (; i < n; ++i) hn::StoreU(F::value(d1, hn::LoadU(d1, x + i)), d1, y + i);
}

// kept: x or y, whichever F::gradient takes.
template <class F>
void map_gradient(const float* kept, const float* dy, float* dx, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(F::gradient(d, hn::LoadU(d, kept + i), hn::LoadU(d, dy + i)), d, dx + i);
  for (; i < n; ++i)
    hn::StoreU(F::gradient(d1, hn::LoadU(d1, kept + i), hn::LoadU(d1, dy + i)), d1, dx + i);
}

void sigmoid_f32(const float* x, float* y, size_t n) { map<Sigmoid>(x, y, n); }
void tanh_f32(const float* x, float* y, size_t n) { map<Tanh>(x, y, n); }
void gelu_f32(const float* x, float* y, size_t n) { map<Gelu>(x, y, n); }
void hardsigmoid_f32(const float* x, float* y, size_t n) { map<Hardsigmoid>(x, y, n); }
void hardswish_f32(const float* x, float* y, size_t n) { map<Hardswish>(x, y, n); }

void sigmoid_gradient_f32(const float* y, const float* dy, float* dx, size_t n) {
  map_gradient<Sigmoid>(y, dy, dx, n);
}
void tanh_gradient_f32(const float* y, const float* dy, float* dx, size_t n) {
  map_gradient<Tanh>(y, dy, dx, n);
}
void gelu_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Gelu>(x, dy, dx, n);
}
void hardsigmoid_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Hardsigmoid>(x, dy, dx, n);
}
void hardswish_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Hardswish>(x, dy, dx, n);
}

float max_f32(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
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

template <class D>
HWY_INLINE hn::Vec<D> exp_step(D d, const float* x, float max, float* y) {
  const auto below = hn::Sub(hn::LoadU(d, x), hn::Set(d, max));
  const auto e = keep_nan(below, exp_negative(d, below));
  hn::StoreU(e, d, y);
  return e;
}

activation_f32::ExpSum exp_sum_f32(const float* x, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const float max = max_f32(x, n);
  auto sums = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) sums = hn::Add(sums, exp_step(d, x + i, max, y + i));
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < n; ++i) sum += hn::GetLane(exp_step(hn::CappedTag<float, 1>(), x + i, max, y + i));
  return {max, sum};
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(sigmoid_f32);
HWY_EXPORT(tanh_f32);
HWY_EXPORT(gelu_f32);
HWY_EXPORT(hardsigmoid_f32);
HWY_EXPORT(hardswish_f32);
HWY_EXPORT(sigmoid_gradient_f32);
HWY_EXPORT(tanh_gradient_f32);
HWY_EXPORT(gelu_gradient_f32);
HWY_EXPORT(hardsigmoid_gradient_f32);
HWY_EXPORT(hardswish_gradient_f32);
HWY_EXPORT(exp_sum_f32);

namespace activation_f32 {

void sigmoid(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(sigmoid_f32)(x, y, n);
}

void tanh(const float* x, float* y, size_t n) noexcept { HWY_DYNAMIC_DISPATCH(tanh_f32)(x, y, n); }

void gelu(const float* x, float* y, size_t n) noexcept { HWY_DYNAMIC_DISPATCH(gelu_f32)(x, y, n); }

void hardsigmoid(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardsigmoid_f32)(x, y, n);
}

void hardswish(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardswish_f32)(x, y, n);
}

void sigmoid_gradient(const float* y, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(sigmoid_gradient_f32)(y, dy, dx, n);
}

void tanh_gradient(const float* y, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(tanh_gradient_f32)(y, dy, dx, n);
}

void gelu_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(gelu_gradient_f32)(x, dy, dx, n);
}

void hardsigmoid_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardsigmoid_gradient_f32)(x, dy, dx, n);
}

void hardswish_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardswish_gradient_f32)(x, dy, dx, n);
}

ExpSum exp_sum(const float* x, float* y, size_t n) noexcept {
  return HWY_DYNAMIC_DISPATCH(exp_sum_f32)(x, y, n);
}

}  // namespace activation_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE
