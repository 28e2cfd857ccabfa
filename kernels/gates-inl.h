// exp, exp - 1, sigmoid and tanh on vectors, with the same bits on every target: only operations
// that IEEE 754 rounds, in one order, none of them fused. The specification: those of
// activation_f32_ref.h, which has the formulas and where their constants come from.
#if defined(OCTET_KERNELS_GATES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_GATES_INL_H_
#undef OCTET_KERNELS_GATES_INL_H_
#else
#define OCTET_KERNELS_GATES_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/activation_f32_ref.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// Min, Max and Exp lose NaNs; this brings them back.
template <class V>
HWY_INLINE V keep_nan(V x, V y) {
  return hwy::HWY_NAMESPACE::IfThenElse(hwy::HWY_NAMESPACE::Eq(x, x), y, x);
}

// exp(x) = power * (1 + rest) for x <= 0; not below kLeastExponent.
template <class V>
struct ExpParts {
  V power, rest;
};

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE ExpParts<V> exp_parts(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  namespace ref = kernels::ref::activation_f32;
  const hn::Rebind<int32_t, D> di;
  const V magic = hn::Set(d, ref::kRoundingMagic);
  const V bounded = hn::Max(x, hn::Set(d, ref::kLeastExponent));
  const V shifted = hn::Add(hn::Mul(bounded, hn::Set(d, ref::kLog2E)), magic);
  const V n = hn::Sub(shifted, magic);
  const V r = hn::Sub(hn::Sub(bounded, hn::Mul(n, hn::Set(d, ref::kLn2High))),
                      hn::Mul(n, hn::Set(d, ref::kLn2Low)));
  V p = hn::Set(d, ref::kExpTail[4]);
  for (int i = 3; i >= 0; --i) p = hn::Add(hn::Mul(p, r), hn::Set(d, ref::kExpTail[i]));
  const auto exponent = hn::Add(hn::BitCast(di, shifted), hn::Set(di, 127));
  return {hn::BitCast(d, hn::ShiftLeft<23>(exponent)), hn::Add(r, hn::Mul(hn::Mul(r, r), p))};
}

// exp(x) for x <= 0; 0 for NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V exp_negative(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const ExpParts<V> parts = exp_parts(d, x);
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(d, kernels::ref::activation_f32::kLeastExponent)),
                            hn::Add(parts.power, hn::Mul(parts.power, parts.rest)));
}

// exp(x) - 1 for x <= 0; not NaN for NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V expm1_negative(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const ExpParts<V> parts = exp_parts(d, x);
  return hn::Add(hn::Mul(parts.power, parts.rest), hn::Sub(parts.power, hn::Set(d, 1.0f)));
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V sigmoid_vector(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V one = hn::Set(d, 1.0f);
  const V e = exp_negative(d, hn::Neg(hn::Abs(x)));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
  return keep_nan(x, hn::Div(numerator, hn::Add(one, e)));
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V tanh_vector(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V m = expm1_negative(d, hn::Mul(hn::Abs(x), hn::Set(d, -2.0f)));
  const V y = hn::Div(m, hn::Add(m, hn::Set(d, 2.0f)));
  return keep_nan(x, hn::CopySign(y, x));
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
