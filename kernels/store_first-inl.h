// The end of a row of floats that is no whole vector.
#if defined(OCTET_KERNELS_STORE_FIRST_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_STORE_FIRST_INL_H_
#undef OCTET_KERNELS_STORE_FIRST_INL_H_
#else
#define OCTET_KERNELS_STORE_FIRST_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// Writes the first `count` lanes and nothing else.
HWY_INLINE void store_first(VF v, float* y, size_t count) {
  const DF d;
#if OCTET_IS_AVX3 || OCTET_IS_AVX2
  hn::BlendedStore(v, hn::FirstN(d, count), d, y);
#else
  HWY_ALIGN float lanes[hn::MaxLanes(DF())];
  hn::Store(v, d, lanes);
  std::memcpy(y, lanes, count * sizeof(float));
#endif
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
