// exp, sigmoid and tanh on vectors, with the same bits on every target: only operations that IEEE
// 754 rounds, in one order, none of them fused. The specification: those of activation_f32_ref.h,
// which has the formulas and where their constants come from.
#if defined(OCTET_KERNELS_GATES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_GATES_INL_H_
#undef OCTET_KERNELS_GATES_INL_H_
#else
#define OCTET_KERNELS_GATES_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/activation_f32_ref.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// Min, Max and Exp lose NaNs; this brings them back.
template <class V>
HWY_INLINE V keep_nan(V x, V y) {
  return hwy::HWY_NAMESPACE::IfThenElse(hwy::HWY_NAMESPACE::Eq(x, x), y, x);
}

// exp(x) = power * (1 + rest) for x <= 0; not below kLeastExponent. Of N vectors at once: these
// chains of operations are long, and a scheduler sees little more than one, so that N of them wait
// for themselves one after the other unless they stand side by side.
template <class V, int N>
struct ExpParts {
  V power[N], rest[N];
};

template <class D, class V, int N>
HWY_INLINE ExpParts<V, N> exp_parts(D d, const V (&x)[N]) {
  namespace hn = hwy::HWY_NAMESPACE;
  namespace ref = kernels::ref::activation_f32;
  const hn::Rebind<int32_t, D> di;
  const V magic = hn::Set(d, ref::kRoundingMagic);
  const V least = hn::Set(d, ref::kLeastExponent), log2e = hn::Set(d, ref::kLog2E);
  const V ln2_high = hn::Set(d, ref::kLn2High), ln2_low = hn::Set(d, ref::kLn2Low);
  const auto bias = hn::Set(di, 127);
  V bounded[N], shifted[N], n[N], r[N], p[N];
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) bounded[i] = hn::Max(x[i], least);
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) shifted[i] = hn::Add(hn::Mul(bounded[i], log2e), magic);
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) n[i] = hn::Sub(shifted[i], magic);
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) r[i] = hn::Sub(bounded[i], hn::Mul(n[i], ln2_high));
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) r[i] = hn::Sub(r[i], hn::Mul(n[i], ln2_low));
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) p[i] = hn::Set(d, ref::kExpTail[4]);
  OCTET_UNROLL
  for (int k = 3; k >= 0; --k) {
    const V tail = hn::Set(d, ref::kExpTail[k]);
    OCTET_UNROLL
    for (int i = 0; i < N; ++i) p[i] = hn::Add(hn::Mul(p[i], r[i]), tail);
  }
  ExpParts<V, N> parts;
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) {
    const auto exponent = hn::Add(hn::BitCast(di, shifted[i]), bias);
    parts.power[i] = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
    parts.rest[i] = hn::Add(r[i], hn::Mul(hn::Mul(r[i], r[i]), p[i]));
  }
  return parts;
}

// exp(x) for x <= 0; 0 for NaN.
template <class D, class V>
HWY_INLINE V exp_negative(D d, V x, V power, V rest) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::IfThenElseZero(hn::Ge(x, hn::Set(d, kernels::ref::activation_f32::kLeastExponent)),
                            hn::Add(power, hn::Mul(power, rest)));
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V exp_negative(D d, V x) {
  const auto parts = exp_parts(d, {x});
  return exp_negative(d, x, parts.power[0], parts.rest[0]);
}

// sigmoid of the first kSigmoids vectors, tanh of the others, in place.
template <int kSigmoids, class D, class V, int N>
HWY_INLINE void sigmoid_tanh(D d, V (&x)[N]) {
  namespace hn = hwy::HWY_NAMESPACE;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f);
  V exponent[N];
  OCTET_UNROLL
  for (int i = 0; i < N; ++i)
    exponent[i] =
        i < kSigmoids ? hn::Neg(hn::Abs(x[i])) : hn::Mul(hn::Abs(x[i]), hn::Set(d, -2.0f));
  const ExpParts<V, N> parts = exp_parts(d, exponent);
  OCTET_UNROLL
  for (int i = 0; i < N; ++i) {
    const V power = parts.power[i], rest = parts.rest[i];
    V y;
    if (i < kSigmoids) {
      const V e = exp_negative(d, exponent[i], power, rest);
      y = hn::Div(hn::IfThenElse(hn::Lt(x[i], zero), e, one), hn::Add(one, e));
    } else {
      const V m = hn::Add(hn::Mul(power, rest), hn::Sub(power, one));
      y = hn::CopySign(hn::Div(m, hn::Add(m, two)), x[i]);
    }
    x[i] = keep_nan(x[i], y);
  }
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V sigmoid_vector(D d, V x) {
  V all[1] = {x};
  sigmoid_tanh<1>(d, all);
  return all[0];
}

template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V tanh_vector(D d, V x) {
  V all[1] = {x};
  sigmoid_tanh<0>(d, all);
  return all[0];
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
