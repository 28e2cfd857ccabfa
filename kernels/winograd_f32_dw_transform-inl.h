// The transforms of winograd_f32_dw that are not winograd_f32's: A of dy and G^T of the products,
// vectors over channels; matrices as numbers: winograd_f32_ref.h. Both axes: the columns, then the
// rows of what comes out.
#if defined(OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_F32_DW_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/winograd_f32_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;
using winograd_f32::HWY_NAMESPACE::kLanes;
using winograd_f32::HWY_NAMESPACE::mul_add;
using winograd_f32::HWY_NAMESPACE::neg_mul_add;
using Forward = winograd_f32::HWY_NAMESPACE::F4;

HWY_INLINE void spread_axis(const VF* y, VF* t) {  // A
  const VF even = hn::Add(y[0], y[2]), odd = hn::Add(y[1], y[3]);
  const VF even4 = mul_add(4.0f, y[2], y[0]), odd4 = mul_add(4.0f, y[3], y[1]);
  t[0] = y[0];
  t[1] = hn::Add(even, odd);
  t[2] = hn::Sub(even, odd);
  t[3] = mul_add(2.0f, odd4, even4);
  t[4] = neg_mul_add(2.0f, odd4, even4);
  t[5] = y[3];
}

// Products with 1/6 are rounded before they are added, so that multiples of 6 come out exactly.
HWY_INLINE void gather_axis(const VF* m, VF* g) {  // G^T
  const DF d;
  const VF sixth = hn::Set(d, 1.0f / 6);
  const VF a = hn::Add(m[1], m[2]), c = hn::Add(m[3], m[4]);
  const VF b = hn::Sub(m[1], m[2]), e = hn::Sub(m[3], m[4]);
  g[0] = mul_add(0.25f, m[0], hn::Mul(sixth, hn::Sub(hn::Mul(hn::Set(d, 0.25f), c), a)));
  g[1] = hn::Mul(sixth, hn::Sub(hn::Mul(hn::Set(d, 0.5f), e), b));
  g[2] = hn::Add(m[5], hn::Mul(sixth, hn::Sub(c, a)));
}

// One vector of channels of a tile of dy, to v and, `plane` apart, the other positions.
HWY_INLINE void spread_tile(const float* HWY_RESTRICT y, size_t row_step, size_t pixel_step,
                            float* HWY_RESTRICT v, size_t plane) {
  constexpr int kIn = Forward::kIn, kOut = Forward::kOut;
  const DF d;
  VF columns[kIn][kOut], row[kOut], t[kIn];
  OCTET_UNROLL
  for (int j = 0; j < kOut; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < kOut; ++i) row[i] = hn::LoadU(d, y + i * row_step + j * pixel_step);
    spread_axis(row, t);
    OCTET_UNROLL
    for (int i = 0; i < kIn; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < kIn; ++i) {
    spread_axis(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < kIn; ++j) hn::Store(t[j], d, v + (i * kIn + j) * plane);
  }
}

// One vector of channels of all taps from the sums at m, whose positions are `plane` apart; written
// to dw, or added to what is there, and `tap_step` apart.
HWY_INLINE void gather_taps(const float* HWY_RESTRICT m, size_t plane, bool add,
                            float* HWY_RESTRICT dw, size_t tap_step) {
  constexpr int kIn = Forward::kIn;
  const DF d;
  VF columns[3][kIn], row[kIn], t[3];
  OCTET_UNROLL
  for (int j = 0; j < kIn; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < kIn; ++i) row[i] = hn::Load(d, m + (i * kIn + j) * plane);
    gather_axis(row, t);
    OCTET_UNROLL
    for (int i = 0; i < 3; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < 3; ++i) {
    gather_axis(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * tap_step;
      hn::Store(add ? hn::Add(hn::Load(d, to), t[j]) : t[j], d, to);
    }
  }
}

}  // namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
