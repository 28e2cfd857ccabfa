// What becomes of depthwise_u8s8's sums. Both forms take half a block of channels, two quad vectors
// of depthwise_u8s8_layout.h, at a time, and put the channels back in order:
//
//   Y             element of the output
//   half          two vectors of sums, finished as far as they can be without the other half
//   store         a block, to the same offset from each of kPieces pointers
//   store_plain   a block whose channels were never put out of order
//   kJoinsHalves  false: a half can be stored alone, by store_half; kFirst is its first quad, 0 or
//   2
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_OUTPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_OUTPUT_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_OUTPUT_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_OUTPUT_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/requantize-inl.h"

// Whether kernels other than 3x3 take widened pairs.
#undef OCTET_HAS_WIDENED
#define OCTET_HAS_WIDENED (OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE)

// Whether 3x3 takes pairs.
#undef OCTET_HAS_PAIRS
#define OCTET_HAS_PAIRS(dot) (OCTET_HAS_WIDENED && kDotParts<dot> == 2)

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Bytes in a vector, and 32-bit words.
constexpr size_t kWords = hn::MaxLanes(D32());
constexpr size_t kLanes = 4 * kWords;

#if HWY_TARGET == HWY_SCALAR

struct ToU8 {
  using Y = uint8_t;
  struct Half {
    uint8_t at[2];
  };
  static constexpr bool kJoinsHalves = true;
  OutputRange range;

  explicit ToU8(const OutputRange& r) : range(r) {}

  HWY_INLINE Half half(const V32 acc[2], const VF multiplier[2]) const {
    return {{ref::requantize(acc[0].raw, multiplier[0].raw, range),
             ref::requantize(acc[1].raw, multiplier[1].raw, range)}};
  }

  template <int kPieces>
  HWY_INLINE void store(Half lower, Half upper, uint8_t* const* p, size_t offset) const {
    std::memcpy(p[0] + offset, lower.at, 2);
    std::memcpy(p[0] + offset + 2, upper.at, 2);
  }
};

#else

struct ToU8 {
  using Y = uint8_t;
  using Half = hn::Vec<D16>;  // before the last pack; the packs' order undoes that of make_quads
  static constexpr bool kJoinsHalves = true;
  RangeVectors range;

  explicit ToU8(const OutputRange& r) : range(r) {}

  HWY_INLINE Half half(const V32 acc[2], const VF multiplier[2]) const {
    return pack_s16_blocks(scale_s32(acc[0], multiplier[0]), scale_s32(acc[1], multiplier[1]),
                           range);
  }

  HWY_INLINE void store_plain(const V32 acc[4], const VF multiplier[4], uint8_t* y) const {
    hn::StoreU(pack_u8(scale_s32(acc[0], multiplier[0]), scale_s32(acc[1], multiplier[1]),
                       scale_s32(acc[2], multiplier[2]), scale_s32(acc[3], multiplier[3]), range),
               D8(), y);
  }

  template <int kPieces>
  HWY_INLINE void store(Half first, Half second, uint8_t* const* p, size_t offset) const {
    const D8 d8;
    const V8 b = pack_u8_blocks(first, second, range);
    if constexpr (kPieces == 1) {
      hn::StoreU(b, d8, p[0] + offset);
    } else {
      const hn::Half<D8> dh;
      const auto lower = hn::LowerHalf(dh, b);
      const auto upper = hn::UpperHalf(dh, b);
      if constexpr (kPieces == 2) {
        hn::StoreU(lower, dh, p[0] + offset);
        hn::StoreU(upper, dh, p[1] + offset);
      } else {
        static_assert(kPieces == 4);
        const hn::Half<decltype(dh)> dq;
        hn::StoreU(hn::LowerHalf(dq, lower), dq, p[0] + offset);
        hn::StoreU(hn::UpperHalf(dq, lower), dq, p[1] + offset);
        hn::StoreU(hn::LowerHalf(dq, upper), dq, p[2] + offset);
        hn::StoreU(hn::UpperHalf(dq, upper), dq, p[3] + offset);
      }
    }
  }
};

#endif

struct ToF32 {
  using Y = float;
  struct Half {
    VF v[2];

    HWY_INLINE Half() {}  // GCC would build the implicit one without the target's instructions
  };
  static constexpr bool kJoinsHalves = false;

  HWY_INLINE Half half(const V32 acc[2], const VF multiplier[2]) const {
    Half half;
    for (int k = 0; k < 2; ++k) half.v[k] = scale_to_f32(acc[k], multiplier[k]);
    return half;
  }

  template <int kPieces>
  HWY_INLINE void store(Half lower, Half upper, float* const* p, size_t offset) const {
    store_half<kPieces, 0>(lower, p, offset);
    store_half<kPieces, 2>(upper, p, offset);
  }

  HWY_INLINE void store_plain(const V32 acc[4], const VF multiplier[4], float* y) const {
    for (int j = 0; j < 4; ++j)
      hn::StoreU(scale_to_f32(acc[j], multiplier[j]), DF(), y + j * kWords);
  }

  // A half holds eight of the sixteen channels of each 128-bit block: four in each vector.
  template <int kPieces, int kFirst>
  HWY_INLINE void store_half(Half half, float* const* p, size_t offset) const {
    offset += kFirst * HWY_MIN(kWords, 4);
#if OCTET_IS_AVX3
    const __m512i order = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i upper_order = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    const __m512d first = _mm512_castps_pd(half.v[0].raw), second = _mm512_castps_pd(half.v[1].raw);
    const __m512d b01 = _mm512_permutex2var_pd(first, order, second);
    const __m512d b23 = _mm512_permutex2var_pd(first, upper_order, second);
    const auto block = [&](int b) HWY_ATTR __attribute__((always_inline)) {
      return reinterpret_cast<double*>(p[b * kPieces / 4] + offset + b % (4 / kPieces) * 16);
    };
    _mm256_storeu_pd(block(0), _mm512_castpd512_pd256(b01));
    _mm256_storeu_pd(block(1), _mm512_extractf64x4_pd(b01, 1));
    _mm256_storeu_pd(block(2), _mm512_castpd512_pd256(b23));
    _mm256_storeu_pd(block(3), _mm512_extractf64x4_pd(b23, 1));
#elif OCTET_IS_AVX2
    const DF df;
    hn::StoreU(hn::ConcatLowerLower(df, half.v[1], half.v[0]), df, p[0] + offset);
    hn::StoreU(hn::ConcatUpperUpper(df, half.v[1], half.v[0]), df,
               kPieces == 2 ? p[1] + offset : p[0] + offset + 16);
#else
    static_assert(kPieces == 1);
    hn::StoreU(half.v[0], DF(), p[0] + offset);
    hn::StoreU(half.v[1], DF(), p[0] + offset + kWords);
#endif
  }
};

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
