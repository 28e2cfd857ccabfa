#include "kernels/activation_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, once per target.
#include "kernels/gates-inl.h"
#include "kernels/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

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

// The formula: activation_f32_ref.h.
template <class D, class V>
HWY_INLINE Normal<V> normal(D d, V x) {
  namespace ref = kernels::ref::activation_f32;
  const V one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f);
  const V slope = hn::Set(d, ref::kErfcxSlope);
  const V t = hn::Div(one, hn::Add(one, hn::Mul(slope, hn::Abs(x))));
  V r = hn::Set(d, ref::kErfcx[8]);
  for (int i = 7; i >= 0; --i) r = hn::Add(hn::Mul(r, t), hn::Set(d, ref::kErfcx[i]));
  const V bell = exp_negative(d, hn::Mul(hn::Mul(x, x), hn::Neg(half)));
  const V tail = hn::Mul(hn::Mul(half, bell), hn::Mul(t, r));
  return {hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail)), bell};
}

struct Gelu {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    // Far below, where Phi is 0: x may be infinite.
    const V near = hn::Max(x, hn::Set(d, kernels::ref::activation_f32::kGeluLeast));
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

struct Silu {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    // Where the sigmoid is 0: x may be infinite.
    const V near = hn::Max(x, hn::Set(d, kernels::ref::activation_f32::kLeastExponent));
    return keep_nan(x, hn::Mul(near, sigmoid_vector(d, x)));
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V dy) {
    const V bound = hn::Set(d, 88.0f), one = hn::Set(d, 1.0f);
    const V near = hn::Min(hn::Max(x, hn::Neg(bound)), bound);
    const V s = sigmoid_vector(d, near);
    const V slope = hn::Mul(s, hn::Add(one, hn::Mul(near, hn::Sub(one, s))));
    return keep_nan(x, hn::Mul(dy, slope));
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

struct LeakyRelu {
  float negative_slope;

  template <class D, class V>
  HWY_INLINE V value(D d, V x) const {
    return gradient(d, x, x);
  }
  template <class D, class V>
  HWY_INLINE V gradient(D d, V x, V dy) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), dy, hn::Mul(dy, hn::Set(d, negative_slope)));
  }
};

struct Elu {
  float alpha;

  template <class D, class V>
  HWY_INLINE V value(D d, V x) const {
    const V below = hn::Mul(expm1_negative(d, x), hn::Set(d, alpha));
    return keep_nan(x, hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below));
  }
  template <class D, class V>
  HWY_INLINE V gradient(D d, V x, V dy) const {
    const V slope = hn::Mul(exp_negative(d, x), hn::Set(d, alpha));
    return keep_nan(x, hn::IfThenElse(hn::Gt(x, hn::Zero(d)), dy, hn::Mul(dy, slope)));
  }
};

template <class F>
void map(const float* x, float* y, size_t n, const F& f = {}) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f.value(d, hn::LoadU(d, x + i)), d, y + i);
  for (; i < n; ++i) hn::StoreU(f.value(d1, hn::LoadU(d1, x + i)), d1, y + i);
}

// kept: x or y, whichever f.gradient takes.
template <class F>
void map_gradient(const float* kept, const float* dy, float* dx, size_t n, const F& f = {}) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(f.gradient(d, hn::LoadU(d, kept + i), hn::LoadU(d, dy + i)), d, dx + i);
  for (; i < n; ++i)
    hn::StoreU(f.gradient(d1, hn::LoadU(d1, kept + i), hn::LoadU(d1, dy + i)), d1, dx + i);
}

void sigmoid_f32(const float* x, float* y, size_t n) { map<Sigmoid>(x, y, n); }
void tanh_f32(const float* x, float* y, size_t n) { map<Tanh>(x, y, n); }
void gelu_f32(const float* x, float* y, size_t n) { map<Gelu>(x, y, n); }
void silu_f32(const float* x, float* y, size_t n) { map<Silu>(x, y, n); }
void hardsigmoid_f32(const float* x, float* y, size_t n) { map<Hardsigmoid>(x, y, n); }
void hardswish_f32(const float* x, float* y, size_t n) { map<Hardswish>(x, y, n); }
void leaky_relu_f32(const float* x, float* y, size_t n, float negative_slope) {
  map<LeakyRelu>(x, y, n, {negative_slope});
}
void elu_f32(const float* x, float* y, size_t n, float alpha) { map<Elu>(x, y, n, {alpha}); }

void sigmoid_gradient_f32(const float* y, const float* dy, float* dx, size_t n) {
  map_gradient<Sigmoid>(y, dy, dx, n);
}
void tanh_gradient_f32(const float* y, const float* dy, float* dx, size_t n) {
  map_gradient<Tanh>(y, dy, dx, n);
}
void gelu_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Gelu>(x, dy, dx, n);
}
void silu_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Silu>(x, dy, dx, n);
}
void hardsigmoid_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Hardsigmoid>(x, dy, dx, n);
}
void hardswish_gradient_f32(const float* x, const float* dy, float* dx, size_t n) {
  map_gradient<Hardswish>(x, dy, dx, n);
}
void leaky_relu_gradient_f32(const float* x, const float* dy, float* dx, size_t n,
                             float negative_slope) {
  map_gradient<LeakyRelu>(x, dy, dx, n, {negative_slope});
}
void elu_gradient_f32(const float* x, const float* dy, float* dx, size_t n, float alpha) {
  map_gradient<Elu>(x, dy, dx, n, {alpha});
}

activation_f32::ExpSum exp_sum_f32(const float* x, float* y, size_t n) {
  const float max = max_of_row(x, n);
  return {max, exp_row(x, y, n, max)};
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(sigmoid_f32);
HWY_EXPORT(tanh_f32);
HWY_EXPORT(gelu_f32);
HWY_EXPORT(silu_f32);
HWY_EXPORT(hardsigmoid_f32);
HWY_EXPORT(hardswish_f32);
HWY_EXPORT(leaky_relu_f32);
HWY_EXPORT(elu_f32);
HWY_EXPORT(sigmoid_gradient_f32);
HWY_EXPORT(tanh_gradient_f32);
HWY_EXPORT(gelu_gradient_f32);
HWY_EXPORT(silu_gradient_f32);
HWY_EXPORT(hardsigmoid_gradient_f32);
HWY_EXPORT(hardswish_gradient_f32);
HWY_EXPORT(leaky_relu_gradient_f32);
HWY_EXPORT(elu_gradient_f32);
HWY_EXPORT(exp_sum_f32);

namespace activation_f32 {

void sigmoid(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(sigmoid_f32)(x, y, n);
}

void tanh(const float* x, float* y, size_t n) noexcept { HWY_DYNAMIC_DISPATCH(tanh_f32)(x, y, n); }

void gelu(const float* x, float* y, size_t n) noexcept { HWY_DYNAMIC_DISPATCH(gelu_f32)(x, y, n); }

void silu(const float* x, float* y, size_t n) noexcept { HWY_DYNAMIC_DISPATCH(silu_f32)(x, y, n); }

void hardsigmoid(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardsigmoid_f32)(x, y, n);
}

void hardswish(const float* x, float* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardswish_f32)(x, y, n);
}

void leaky_relu(const float* x, float* y, size_t n, float negative_slope) noexcept {
  HWY_DYNAMIC_DISPATCH(leaky_relu_f32)(x, y, n, negative_slope);
}

void elu(const float* x, float* y, size_t n, float alpha) noexcept {
  HWY_DYNAMIC_DISPATCH(elu_f32)(x, y, n, alpha);
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

void silu_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(silu_gradient_f32)(x, dy, dx, n);
}

void hardsigmoid_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardsigmoid_gradient_f32)(x, dy, dx, n);
}

void hardswish_gradient(const float* x, const float* dy, float* dx, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(hardswish_gradient_f32)(x, dy, dx, n);
}

void leaky_relu_gradient(const float* x, const float* dy, float* dx, size_t n,
                         float negative_slope) noexcept {
  HWY_DYNAMIC_DISPATCH(leaky_relu_gradient_f32)(x, dy, dx, n, negative_slope);
}

void elu_gradient(const float* x, const float* dy, float* dx, size_t n, float alpha) noexcept {
  HWY_DYNAMIC_DISPATCH(elu_gradient_f32)(x, dy, dx, n, alpha);
}

ExpSum exp_sum(const float* x, float* y, size_t n) noexcept {
  return HWY_DYNAMIC_DISPATCH(exp_sum_f32)(x, y, n);
}

void softmax(const float* x, float* y, size_t n) noexcept {
  const float sum = exp_sum(x, y, n).sum;
  for (size_t i = 0; i < n; ++i) y[i] /= sum;
}

}  // namespace activation_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE
