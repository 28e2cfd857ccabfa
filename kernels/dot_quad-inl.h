// The one primitive that Highway 1.0 lacks: sums of four u8 x s8 products, exact in s32.
//
//   dot_quad<kDot>(a, b, acc)[i] = acc[i] + sum_{j < 4} u8(a[i], j) * s8(b[i], j)
//
// a and b are s32 lanes that hold four bytes each (so the same code serves one-lane targets);
// acc wraps as s32. Every Dot gives the same bits: no 16-bit saturation anywhere.
//
// Kernels prepare their operands for it by dot_parts-inl.h.
//
// The instructions stand in inline assembly rather than in intrinsics: an intrinsic would need its
// extension switched on for the whole translation unit, and then the compiler is free to use it in
// code that runs on CPUs without it. The assembly has a second use: it keeps GCC 12 from storing a
// copy of every accumulator to the stack (which halves the speed), so the portable forms end in an
// empty one.
#if defined(OCTET_KERNELS_DOT_QUAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DOT_QUAD_INL_H_
#undef OCTET_KERNELS_DOT_QUAD_INL_H_
#else
#define OCTET_KERNELS_DOT_QUAD_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/target.h"

// AVX-512: 32 registers of 16 s32 lanes.
#undef OCTET_IS_AVX3
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
#define OCTET_IS_AVX3 1
#else
#define OCTET_IS_AVX3 0
#endif

#undef OCTET_IS_AVX2
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2
#define OCTET_IS_AVX2 1
#else
#define OCTET_IS_AVX2 0
#endif

#undef OCTET_IS_SSE
#if HWY_ARCH_X86 && (HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3)
#define OCTET_IS_SSE 1
#else
#define OCTET_IS_SSE 0
#endif

#undef OCTET_IS_NEON
#if HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON
#define OCTET_IS_NEON 1
#else
#define OCTET_IS_NEON 0
#endif

// Keeps a vector in a register across this point.
#undef OCTET_KEEP_IN_REGISTER
#if OCTET_IS_AVX3
#define OCTET_KEEP_IN_REGISTER(v) asm("" : "+v"((v).raw))
#elif OCTET_IS_AVX2 || OCTET_IS_SSE
#define OCTET_KEEP_IN_REGISTER(v) asm("" : "+x"((v).raw))
#elif OCTET_IS_NEON
#define OCTET_KEEP_IN_REGISTER(v) asm("" : "+w"((v).raw))
#else
#define OCTET_KEEP_IN_REGISTER(v)
#endif

#ifndef OCTET_UNROLL
#if defined(__clang__)
#define OCTET_UNROLL _Pragma("unroll")
#else
#define OCTET_UNROLL _Pragma("GCC unroll 32")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<int32_t>;
using DF = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;

// Carries a Dot as a type, so that a kernel is compiled once per kind.
template <Dot kDot>
struct DotTag {
  static constexpr Dot value = kDot;
};

// Calls f with the DotTag of the current target: once per layer call, never per row.
template <class F>
HWY_INLINE auto with_dot(const F& f) {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2
  if (current_target().dot == Dot::vnni) return f(DotTag<Dot::vnni>());
#elif OCTET_IS_NEON
  if (current_target().dot == Dot::i8mm) return f(DotTag<Dot::i8mm>());
  if (current_target().dot == Dot::dotprod) return f(DotTag<Dot::dotprod>());
#endif
  return f(DotTag<Dot::portable>());
}

// Vectors of an operand that is widened beforehand.
template <Dot kDot>
constexpr int kDotParts =
    (OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE || OCTET_IS_NEON) && kDot == Dot::portable ? 2
                                                                                               : 1;

#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
// Even and odd bytes apart, each widened to 16 bits: |product pair| < 2^17, never saturates.
HWY_INLINE void widen_u8(V32 a, V32 parts[2]) {
  const D32 d32;
  const hn::RebindToUnsigned<hn::Repartition<int16_t, D32>> du16;
  const auto a16 = hn::BitCast(du16, a);
  parts[0] = hn::BitCast(d32, hn::And(a16, hn::Set(du16, 0x00FF)));
  parts[1] = hn::BitCast(d32, hn::ShiftRight<8>(a16));
}

HWY_INLINE void widen_s8(V32 b, V32 parts[2]) {
  const D32 d32;
  const hn::Repartition<int16_t, D32> d16;
  const auto b16 = hn::BitCast(d16, b);
  parts[0] = hn::BitCast(d32, hn::ShiftRight<8>(hn::ShiftLeft<8>(b16)));
  parts[1] = hn::BitCast(d32, hn::ShiftRight<8>(b16));
}

HWY_INLINE V32 dot_widened(const V32 a[2], const V32 b[2], V32 acc) {
  const D32 d32;
  const hn::Repartition<int16_t, D32> d16;
  // On x86 both halves of the pairwise product land in the first sum, in lane order.
  V32 unused = hn::Zero(d32);
  for (int i = 0; i < 2; ++i)
    acc = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, a[i]), hn::BitCast(d16, b[i]), acc,
                                        unused);
  return acc;
}

// acc plus the two s16 x s16 products of each word, modulo 2^32; not both of -2^15 times -2^15.
template <Dot kDot>
HWY_INLINE V32 dot_pair(V32 a, V32 b, V32 acc) {
#if OCTET_IS_AVX3
  if constexpr (kDot == Dot::vnni) {
    asm("vpdpwssd %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
    return acc;
  }
#elif OCTET_IS_AVX2
  if constexpr (kDot == Dot::vnni) {
    asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(acc.raw) : "x"(a.raw), "x"(b.raw));
    return acc;
  }
#endif
  const D32 d32;
  const hn::Repartition<int16_t, D32> d16;
  V32 unused = hn::Zero(d32);  // as in dot_widened
  acc = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, a), hn::BitCast(d16, b), acc, unused);
  OCTET_KEEP_IN_REGISTER(acc);
  return acc;
}

HWY_INLINE V32 dot_quad_widened(V32 a, V32 b, V32 acc) {
  V32 a_parts[2], b_parts[2];
  widen_u8(a, a_parts);
  widen_s8(b, b_parts);
  return dot_widened(a_parts, b_parts, acc);
}
#endif

#if OCTET_IS_NEON
HWY_INLINE V32 dot_quad_widened(V32 a, V32 b, V32 acc) {
  const uint8x16_t au = vreinterpretq_u8_s32(a.raw);
  const int8x16_t bs = vreinterpretq_s8_s32(b.raw);
  const int16x8_t al = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(au)));
  const int16x8_t ah = vreinterpretq_s16_u16(vmovl_high_u8(au));
  const int16x8_t bl = vmovl_s8(vget_low_s8(bs));
  const int16x8_t bh = vmovl_high_s8(bs);
  const int32x4_t p0 = vmull_s16(vget_low_s16(al), vget_low_s16(bl));
  const int32x4_t p1 = vmull_high_s16(al, bl);
  const int32x4_t p2 = vmull_s16(vget_low_s16(ah), vget_low_s16(bh));
  const int32x4_t p3 = vmull_high_s16(ah, bh);
  return V32{vaddq_s32(acc.raw, vpaddq_s32(vpaddq_s32(p0, p1), vpaddq_s32(p2, p3)))};
}

// Lets the assembler know sdot and usdot, and all that the compiler may use in what follows: there
// is no way back. (.arch_extension alone does not do: binutils 2.40 wants Armv8.2 as well.)
#undef OCTET_ARCH
#define OCTET_ARCH ".arch armv8.6-a+crypto+sve2\n\t"

HWY_INLINE int32x4_t sdot(int32x4_t acc, int8x16_t a, int8x16_t b) {
  asm(OCTET_ARCH "sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(a), "w"(b));
  return acc;
}
#endif

#if !(OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE || OCTET_IS_NEON)
// One lane at a time, for targets without vectors; a call, for it is long.
inline HWY_NOINLINE V32 dot_quad_widened(V32 a, V32 b, V32 acc) {
  const D32 d32;
  HWY_ALIGN int32_t aa[HWY_MAX_BYTES / 4], bb[HWY_MAX_BYTES / 4], cc[HWY_MAX_BYTES / 4];
  hn::Store(a, d32, aa);
  hn::Store(b, d32, bb);
  hn::Store(acc, d32, cc);
  for (size_t i = 0; i < hn::Lanes(d32); ++i) {
    uint32_t sum = static_cast<uint32_t>(cc[i]);
    for (int j = 0; j < 32; j += 8) {
      const int32_t u = (static_cast<uint32_t>(aa[i]) >> j) & 255;
      const int32_t s = static_cast<int8_t>(static_cast<uint32_t>(bb[i]) >> j);
      sum += static_cast<uint32_t>(u * s);
    }
    cc[i] = static_cast<int32_t>(sum);
  }
  return hn::Load(d32, cc);
}
#endif

template <Dot kDot>
HWY_INLINE V32 dot_quad(V32 a, V32 b, V32 acc) {
#if OCTET_IS_AVX3
  if constexpr (kDot == Dot::vnni) {
    asm("vpdpbusd %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
    return acc;
  }
#elif OCTET_IS_AVX2
  if constexpr (kDot == Dot::vnni) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc.raw) : "x"(a.raw), "x"(b.raw));
    return acc;
  }
#elif OCTET_IS_NEON
  if constexpr (kDot == Dot::i8mm) {
    asm(OCTET_ARCH "usdot %0.4s, %1.16b, %2.16b"
        : "+w"(acc.raw)
        : "w"(vreinterpretq_u8_s32(a.raw)), "w"(vreinterpretq_s8_s32(b.raw)));
    return acc;
  }
  if constexpr (kDot == Dot::dotprod) {
    // u = s + 128:  sum u b = sum s b + 128 sum b = sum s b - sum (-128) b.
    const int8x16_t as =
        vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_s32(a.raw), vdupq_n_u8(0x80)));
    const int8x16_t bs = vreinterpretq_s8_s32(b.raw);
    const int32x4_t correction = sdot(vdupq_n_s32(0), vdupq_n_s8(-128), bs);
    return V32{vsubq_s32(sdot(acc.raw, as, bs), correction)};
  }
#endif
  acc = dot_quad_widened(a, b, acc);
  OCTET_KEEP_IN_REGISTER(acc);
  return acc;
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
