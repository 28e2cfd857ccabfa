// The transforms of winograd_f32_dw that the other kernels do not have: A of dy and G^T of the
// products. What an axis is: winograd_transform-inl.h.
#if defined(OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE {
using namespace octet::kernels::winograd::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(DF());

struct Spread {  // A
  static constexpr int kFrom = F4::kOut, kTo = F4::kIn;

  HWY_INLINE static void apply(const VF* y, VF* t) {
    const VF even = hn::Add(y[0], y[2]), odd = hn::Add(y[1], y[3]);
    const VF even4 = add_times<4>(y[0], y[2]), odd4 = add_times<4>(y[1], y[3]);
    t[0] = y[0];
    t[1] = hn::Add(even, odd);
    t[2] = hn::Sub(even, odd);
    t[3] = add_times<2>(even4, odd4);
    t[4] = sub_times<2>(even4, odd4);
    t[5] = y[3];
  }
};

struct Gather {  // G^T
  static constexpr int kFrom = F4::kIn, kTo = 3;

  // Products with 1/6 are rounded before they are added, so that multiples of 6 come out exactly.
  HWY_INLINE static void apply(const VF* m, VF* g) {
    const DF d;
    const VF sixth = hn::Set(d, 1.0f / 6), quarter = hn::Set(d, 0.25f);
    const VF a = hn::Add(m[1], m[2]), c = hn::Add(m[3], m[4]);
    const VF b = hn::Sub(m[1], m[2]), e = hn::Sub(m[3], m[4]);
    g[0] = hn::MulAdd(quarter, m[0], hn::Mul(sixth, hn::Sub(hn::Mul(quarter, c), a)));
    g[1] = hn::Mul(sixth, hn::Sub(hn::Mul(hn::Set(d, 0.5f), e), b));
    g[2] = hn::Add(m[5], hn::Mul(sixth, hn::Sub(c, a)));
  }
};

// One vector of channels of all taps from the sums at m, whose positions are `plane` apart; written
// to dw, or added to what is there, and `tap_step` apart.
HWY_INLINE void gather_taps(const float* HWY_RESTRICT m, size_t plane, bool add,
                            float* HWY_RESTRICT dw, size_t tap_step) {
  const DF d;
  transform<Gather, VF>(
      [&](int i, int j) HWY_ATTR
      __attribute__((always_inline)) { return hn::Load(d, m + (i * Gather::kFrom + j) * plane); },
      [&](int i, int j, VF v) HWY_ATTR __attribute__((always_inline)) {
        float* to = dw + (i * Gather::kTo + j) * tap_step;
        hn::Store(add ? hn::Add(hn::Load(d, to), v) : v, d, to);
      });
}

}  // namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
