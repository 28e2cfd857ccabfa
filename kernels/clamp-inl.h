// clamp(x, lo, hi) on vectors of any length: x < lo ? lo : x > hi ? hi : x, so NaN passes and -0
// stays -0 where a bound is 0.
#if defined(OCTET_KERNELS_CLAMP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CLAMP_INL_H_
#undef OCTET_KERNELS_CLAMP_INL_H_
#else
#define OCTET_KERNELS_CLAMP_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// lo <= hi.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V clamp_vector(D d, V x, float lo, float hi) {
  const V vlo = hn::Set(d, lo);
  const V vhi = hn::Set(d, hi);
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
  // x86 returns the second operand when one is NaN or both are zeros; two instructions, not four.
  return hn::Min(vhi, hn::Max(vlo, x));
#else
  const V below = hn::IfThenElse(hn::Gt(x, vhi), vhi, x);
  return hn::IfThenElse(hn::Lt(x, vlo), vlo, below);
#endif
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
