// requantize.h on vectors.
//
// Four s32 vectors become one u8 vector. Saturating packs keep the element order only inside
// 128-bit blocks, so there are two forms: pack_u8_blocks leaves the order of the x86 packs (kernels
// whose inputs were interleaved the same way get their order back for free), pack_u8 restores it.
#if defined(OCTET_KERNELS_REQUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_REQUANTIZE_INL_H_
#undef OCTET_KERNELS_REQUANTIZE_INL_H_
#else
#define OCTET_KERNELS_REQUANTIZE_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/requantize.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// Nearest, ties to even; the caller bounds |v| below 2^31.
HWY_INLINE V32 round_s32(VF v) {
#if OCTET_IS_AVX3
  return V32{_mm512_cvtps_epi32(v.raw)};
#elif OCTET_IS_AVX2
  return V32{_mm256_cvtps_epi32(v.raw)};
#elif OCTET_IS_SSE
  return V32{_mm_cvtps_epi32(v.raw)};
#elif HWY_TARGET == HWY_SCALAR
  // hn::NearestInt of this target is wrong at 0.49999997f.
  return V32(static_cast<int32_t>(std::nearbyintf(v.raw)));
#elif HWY_TARGET == HWY_EMU128
  const D32 d32;
  const DF df;
  HWY_ALIGN float f[4];
  HWY_ALIGN int32_t i[4];
  hn::Store(v, df, f);
  for (int k = 0; k < 4; ++k) i[k] = static_cast<int32_t>(std::nearbyintf(f[k]));
  return hn::Load(d32, i);
#else
  return hn::NearestInt(v);
#endif
}

// f32(acc) * multiplier.
HWY_INLINE VF scale_to_f32(V32 acc, VF multiplier) {
  return hn::Mul(hn::ConvertTo(DF(), acc), multiplier);
}

// round(f32(acc) * multiplier), before the zero point.
HWY_INLINE V32 scale_s32(V32 acc, VF multiplier) {
  return round_s32(scale_to_f32(acc, multiplier));
}

#if HWY_TARGET != HWY_SCALAR

using D8 = hn::ScalableTag<uint8_t>;
using D16 = hn::ScalableTag<int16_t>;
using V8 = hn::Vec<D8>;

// OutputRange spread over vectors, for the packs below.
struct RangeVectors {
  hn::Vec<D16> zero_point;
  V8 quant_min, quant_max;

  explicit RangeVectors(const OutputRange& range)
      : zero_point(hn::Set(D16(), static_cast<int16_t>(range.zero_point))),
        quant_min(hn::Set(D8(), static_cast<uint8_t>(range.quant_min))),
        quant_max(hn::Set(D8(), static_cast<uint8_t>(range.quant_max))) {}
};

// Scaled sums -> s16 with zero point, in the element order of the packs: on x86 block b of the
// result holds block b of r0, then of r1; elsewhere plain order. Saturating to 16 bits first loses
// nothing: what saturates there is beyond 0..255 after adding a zero point of at most 255 too.
HWY_INLINE hn::Vec<D16> pack_s16_blocks(V32 r0, V32 r1, const RangeVectors& range) {
  const D16 d16;
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
  return hn::SaturatedAdd(hn::ReorderDemote2To(d16, r0, r1), range.zero_point);
#else
  const hn::Half<D16> dh16;
  return hn::SaturatedAdd(hn::Combine(d16, hn::DemoteTo(dh16, r1), hn::DemoteTo(dh16, r0)),
                          range.zero_point);
#endif
}

// Two of those -> u8, clamped, in the order of the packs again.
HWY_INLINE V8 pack_u8_blocks(hn::Vec<D16> p01, hn::Vec<D16> p23, const RangeVectors& range) {
#if OCTET_IS_AVX3
  const V8 q{_mm512_packus_epi16(p01.raw, p23.raw)};
#elif OCTET_IS_AVX2
  const V8 q{_mm256_packus_epi16(p01.raw, p23.raw)};
#elif OCTET_IS_SSE
  const V8 q{_mm_packus_epi16(p01.raw, p23.raw)};
#else
  const hn::Half<D8> dh8;
  const V8 q = hn::Combine(D8(), hn::DemoteTo(dh8, p23), hn::DemoteTo(dh8, p01));
#endif
  return hn::Min(hn::Max(q, range.quant_min), range.quant_max);
}

// Scaled sums r0..r3 -> u8 with zero point and clamp: on x86 block b of the result holds block b of
// r0, r1, r2, r3 in turn; elsewhere plain order.
HWY_INLINE V8 pack_u8_blocks(V32 r0, V32 r1, V32 r2, V32 r3, const RangeVectors& range) {
  return pack_u8_blocks(pack_s16_blocks(r0, r1, range), pack_s16_blocks(r2, r3, range), range);
}

// The same in plain order: r0, then r1, r2, r3.
HWY_INLINE V8 pack_u8(V32 r0, V32 r1, V32 r2, V32 r3, const RangeVectors& range) {
  const V8 q = pack_u8_blocks(r0, r1, r2, r3, range);
#if OCTET_IS_AVX3
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return V8{_mm512_permutexvar_epi32(order, q.raw)};
#elif OCTET_IS_AVX2
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return V8{_mm256_permutevar8x32_epi32(q.raw, order)};
#else
  return q;
#endif
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
