// Operands of dot_quad (dot_quad-inl.h) in the form that a target multiplies best, for kernels that
// multiply the same bytes several times.
//
// x86 without VNNI and Arm without dotprod multiply 16 bits, and widening takes more instructions
// than that. A kernel that multiplies the same bytes several times keeps them as kDotParts<kDot>
// vectors, made by split_u8 and split_s8, and calls dot_parts: elsewhere that is one vector and
// dot_quad. On Arm split_u8 and dot_parts are about a's first word, in place of all.
//
// Arm without i8mm multiplies signed bytes by signed ones only. A kernel there does best to take
// 128 from each byte once, by offset_u8, and to add what is missing, 128 times the sum of the
// weights, to the bias: dot_offset and kInputOffset, which is 0 elsewhere.
#if defined(OCTET_KERNELS_DOT_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DOT_PARTS_INL_H_
#undef OCTET_KERNELS_DOT_PARTS_INL_H_
#else
#define OCTET_KERNELS_DOT_PARTS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// What offset_u8 takes from each byte.
template <Dot kDot>
constexpr int32_t kInputOffset = OCTET_IS_NEON && kDot != Dot::i8mm ? 128 : 0;

template <Dot kDot>
HWY_INLINE V32 offset_u8(V32 a) {
#if OCTET_IS_NEON
  if constexpr (kInputOffset<kDot> == 128)
    return V32{vreinterpretq_s32_u8(veorq_u8(vreinterpretq_u8_s32(a.raw), vdupq_n_u8(0x80)))};
#endif
  return a;
}

// dot_quad of what offset_u8 made; less than the whole by kInputOffset times the sum of b's bytes.
template <Dot kDot>
HWY_INLINE V32 dot_offset(V32 a, V32 b, V32 acc) {
#if OCTET_IS_NEON
  const int8x16_t as = vreinterpretq_s8_s32(a.raw), bs = vreinterpretq_s8_s32(b.raw);
  if constexpr (kDot == Dot::dotprod) return V32{sdot(acc.raw, as, bs)};
  if constexpr (kDot == Dot::portable) {
    // A product is at most 128 * 128; two of them need 17 bits.
    const int32x4_t lower = vpaddlq_s16(vmull_s8(vget_low_s8(as), vget_low_s8(bs)));
    const int32x4_t upper = vpaddlq_s16(vmull_high_s8(as, bs));
    acc = V32{vaddq_s32(acc.raw, vpaddq_s32(lower, upper))};
    OCTET_KEEP_IN_REGISTER(acc);
    return acc;
  }
#endif
  return dot_quad<kDot>(a, b, acc);
}

// Whether a word can be multiplied by every word of a vector as it was loaded: dot_first.
template <Dot kDot>
constexpr bool kHasDotFirst = OCTET_IS_NEON && kDot != Dot::portable;

#if OCTET_IS_NEON
// The first word of a vector; what the others hold is not used.
HWY_INLINE V32 load_first(const uint8_t* p) {
  typedef uint32_t Word __attribute__((may_alias, aligned(1)));
  V32 v;
  asm("ldr %s0, %1" : "=w"(v.raw) : "m"(*reinterpret_cast<const Word*>(p)));
  return v;
}

// dot_offset with the first word of a in place of all.
template <Dot kDot>
HWY_INLINE V32 dot_first(V32 a, V32 b, V32 acc) {
  static_assert(kHasDotFirst<kDot>);
  if constexpr (kDot == Dot::i8mm)
    asm(OCTET_ARCH "sudot %0.4s, %1.16b, %2.4b[0]" : "+w"(acc.raw) : "w"(b.raw), "w"(a.raw));
  else
    asm(OCTET_ARCH "sdot %0.4s, %1.16b, %2.4b[0]" : "+w"(acc.raw) : "w"(b.raw), "w"(a.raw));
  return acc;
}
#endif

template <Dot kDot>
HWY_INLINE void split_u8(V32 a, V32 parts[kDotParts<kDot>]) {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
  if constexpr (kDotParts<kDot> == 2) return widen_u8(a, parts);
#elif OCTET_IS_NEON
  if constexpr (kDotParts<kDot> == 2) {
    const uint16x8_t wide = vmovl_u8(vget_low_u8(vreinterpretq_u8_s32(a.raw)));
    parts[0] = parts[1] = V32{vreinterpretq_s32_u16(wide)};
    return;
  }
#endif
  parts[0] = a;
}

template <Dot kDot>
HWY_INLINE void split_s8(V32 b, V32 parts[kDotParts<kDot>]) {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
  if constexpr (kDotParts<kDot> == 2) return widen_s8(b, parts);
#elif OCTET_IS_NEON
  if constexpr (kDotParts<kDot> == 2) {
    // The first byte of each word, then the second...
    constexpr uint8_t kOrder[] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const int8x16_t bytes = vqtbl1q_s8(vreinterpretq_s8_s32(b.raw), vld1q_u8(kOrder));
    parts[0] = V32{vreinterpretq_s32_s16(vmovl_s8(vget_low_s8(bytes)))};
    parts[1] = V32{vreinterpretq_s32_s16(vmovl_high_s8(bytes))};
    return;
  }
#endif
  parts[0] = b;
}

// dot_quad of what split_u8 and split_s8 made.
template <Dot kDot>
HWY_INLINE V32 dot_parts(const V32 a[kDotParts<kDot>], const V32 b[kDotParts<kDot>], V32 acc) {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
  if constexpr (kDotParts<kDot> == 2) {
    acc = dot_widened(a, b, acc);
    OCTET_KEEP_IN_REGISTER(acc);
    return acc;
  }
#elif OCTET_IS_NEON
  if constexpr (kDotParts<kDot> == 2) {
    const int16x4_t x = vget_low_s16(vreinterpretq_s16_s32(a[0].raw));
    const int16x8_t b01 = vreinterpretq_s16_s32(b[0].raw), b23 = vreinterpretq_s16_s32(b[1].raw);
    acc.raw = vmlal_lane_s16(acc.raw, vget_low_s16(b01), x, 0);
    acc.raw = vmlal_high_lane_s16(acc.raw, b01, x, 1);
    acc.raw = vmlal_lane_s16(acc.raw, vget_low_s16(b23), x, 2);
    acc.raw = vmlal_high_lane_s16(acc.raw, b23, x, 3);
    OCTET_KEEP_IN_REGISTER(acc);
    return acc;
  }
#endif
  return dot_quad<kDot>(a[0], b[0], acc);
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
