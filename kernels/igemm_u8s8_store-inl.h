// What becomes of a tile's sums: requantized to u8, or scaled to f32.
#if defined(OCTET_KERNELS_IGEMM_U8S8_STORE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_IGEMM_U8S8_STORE_INL_H_
#undef OCTET_KERNELS_IGEMM_U8S8_STORE_INL_H_
#else
#define OCTET_KERNELS_IGEMM_U8S8_STORE_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/igemm_u8s8-inl.h"
#include "kernels/requantize-inl.h"
#include "kernels/store_first-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {

// A tile of sums S that can be stored as elements Y.
template <class S, class Y>
struct Tile;

template <class S>
struct Tile<S, uint8_t> : S {
  using S::acc, S::kRows, S::kVectors, S::kPaired, S::kPixels, S::kColumns;

  HWY_INLINE Tile() {}

#if HWY_TARGET == HWY_SCALAR
  HWY_INLINE void store(const TileArgs<uint8_t>& args, uint8_t* y, size_t pixels) const {
    const auto* multiplier = reinterpret_cast<const float*>(args.panel) + kVectors;
    for (size_t i = 0; i < std::min<size_t>(pixels, kRows); ++i) {
      for (size_t j = 0; j < args.columns; ++j) {
        const int64_t scaled = scale_s32(acc[i][j], VF(multiplier[j])).raw;
        y[i * args.y_stride + j] = static_cast<uint8_t>(std::clamp<int64_t>(
            scaled + args.range.zero_point, args.range.quant_min, args.range.quant_max));
      }
    }
  }
#else
  // Vector t of the tile, row by row, scaled; past the end the last one again.
  HWY_INLINE V32 scaled(int t, const VF* multiplier) const {
    const int s = std::min(t, kRows * kVectors - 1);
    return scale_s32(acc[s / kVectors][s % kVectors], multiplier[s % kVectors]);
  }

  // Vectors t..t+3 as bytes.
  HWY_INLINE V8 bytes(int t, const VF* multiplier, const RangeVectors& range) const {
    return pack_u8(scaled(t, multiplier), scaled(t + 1, multiplier), scaled(t + 2, multiplier),
                   scaled(t + 3, multiplier), range);
  }

  static HWY_INLINE void store_first(V8 q, uint8_t* y, size_t n) {
#if OCTET_IS_AVX3
    _mm512_mask_storeu_epi8(y, ~uint64_t{0} >> (64 - n), q.raw);
#else
    HWY_ALIGN uint8_t all[HWY_MAX_BYTES];
    hn::Store(q, D8(), all);
    std::memcpy(y, all, n);
#endif
  }

  // A whole tile whose rows lie one after the other in y: full stores across rows.
  HWY_INLINE void store_dense(uint8_t* y, const VF* multiplier, const RangeVectors& range) const {
    constexpr int kCount = kRows * kVectors;
    OCTET_UNROLL
    for (int t = 0; t < kCount; t += 4) {
      const V8 q = bytes(t, multiplier, range);
      if (t + 4 <= kCount)
        hn::StoreU(q, D8(), y + t * kTileLanes);
      else
        store_first(q, y + t * kTileLanes, (kCount - t) * kTileLanes);
    }
  }

  // A whole tile of one, two or four vectors.
  HWY_INLINE void store_rows(uint8_t* y, size_t y_stride, const VF* multiplier,
                             const RangeVectors& range) const {
    constexpr int kRowsPerPack = 4 / kVectors;
    OCTET_UNROLL
    for (int i = 0; i < kRows; i += kRowsPerPack) {
      const V8 q = bytes(i * kVectors, multiplier, range);
      uint8_t* row = y + i * y_stride;
      if constexpr (kVectors == 4) {
        hn::StoreU(q, D8(), row);
      } else if constexpr (kVectors == 2) {
        const hn::Half<D8> half;
        hn::StoreU(hn::LowerHalf(half, q), half, row);
        if (i + 1 < kRows) hn::StoreU(hn::UpperHalf(half, q), half, row + y_stride);
      } else {
#if OCTET_IS_AVX3
        _mm_storeu_si128(reinterpret_cast<__m128i*>(row), _mm512_castsi512_si128(q.raw));
        if (i + 1 < kRows)
          _mm_storeu_si128(reinterpret_cast<__m128i*>(row + y_stride),
                           _mm512_extracti32x4_epi32(q.raw, 1));
        if (i + 2 < kRows)
          _mm_storeu_si128(reinterpret_cast<__m128i*>(row + 2 * y_stride),
                           _mm512_extracti32x4_epi32(q.raw, 2));
        if (i + 3 < kRows)
          _mm_storeu_si128(reinterpret_cast<__m128i*>(row + 3 * y_stride),
                           _mm512_extracti32x4_epi32(q.raw, 3));
#elif OCTET_IS_AVX2
        const hn::Half<D8> half;
        const hn::Half<decltype(half)> quarter;
        const auto lower = hn::LowerHalf(half, q), upper = hn::UpperHalf(half, q);
        hn::StoreU(hn::LowerHalf(quarter, lower), quarter, row);
        if (i + 1 < kRows) hn::StoreU(hn::UpperHalf(quarter, lower), quarter, row + y_stride);
        if (i + 2 < kRows) hn::StoreU(hn::LowerHalf(quarter, upper), quarter, row + 2 * y_stride);
        if (i + 3 < kRows) hn::StoreU(hn::UpperHalf(quarter, upper), quarter, row + 3 * y_stride);
#endif
      }
    }
  }

  // The first `pixels` pixels, row by row: for tails, and rows of three or six vectors.
  HWY_INLINE void store_part(const TileArgs<uint8_t>& args, uint8_t* y, size_t pixels,
                             const VF* multiplier, const RangeVectors& range) const {
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const size_t first = i * (kPaired ? 2 : 1);
      if (first >= pixels) break;
      const size_t count = kPaired ? std::min<size_t>(2, pixels - first) : 1;
      OCTET_UNROLL
      for (int j = 0; j < kVectors; j += 4)
        store_first(bytes(i * kVectors + j, multiplier, range),
                    y + first * args.y_stride + j * kTileLanes,
                    std::min(4 * kTileLanes, count * args.columns - j * kTileLanes));
    }
  }

#if OCTET_IS_AVX3
  // A tile of whole rows can also be stored in kGroups parts: row by row where a row is about one
  // pack, else 64 bytes of dense rows at a time.
  static constexpr bool kGroupIsRow = kVectors == 4 || (kVectors == 3 && !kPaired);
  static constexpr int kGroups = kGroupIsRow ? kRows : kRows * kVectors / 4;
  HWY_INLINE void store_group(int g, const TileArgs<uint8_t>& shared, uint8_t* y) const {
    // Constants are to be read where they are used: hoisted, they would push sums to the stack.
    const TileArgs<uint8_t>* opaque = &shared;
    asm volatile("" : "+r"(opaque));
    const TileArgs<uint8_t>& args = *opaque;
    const DF df;
    const RangeVectors range(args.range);
    VF multiplier[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      multiplier[j] =
          hn::LoadU(df, reinterpret_cast<const float*>(args.panel) + (kVectors + j) * kTileLanes);
    if constexpr (kGroupIsRow)
      store_first(bytes(g * kVectors, multiplier, range), y + g * args.y_stride, args.columns);
    else
      hn::StoreU(bytes(4 * g, multiplier, range), D8(), y + 64 * g);
  }
#endif

  HWY_INLINE void store(const TileArgs<uint8_t>& args, uint8_t* y, size_t pixels) const {
    const DF df;
    const RangeVectors range(args.range);
    VF multiplier[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      multiplier[j] =
          hn::LoadU(df, reinterpret_cast<const float*>(args.panel) + (kVectors + j) * kTileLanes);
    if (HWY_LIKELY(pixels >= kPixels && args.columns == kColumns)) {
      if (kVectors != 4 && args.y_stride == kColumns) return store_dense(y, multiplier, range);
      if constexpr (kVectors != 3 && kVectors != 6)
        return store_rows(y, args.y_stride, multiplier, range);
    }
    store_part(args, y, pixels, multiplier, range);
  }
#endif  // HWY_TARGET != HWY_SCALAR
};

// f32: one multiplication per sum. Rows are stored one by one; the two pixels of a paired row lie
// one after the other, for its columns are all there are.
template <class S>
struct Tile<S, float> : S {
  using S::acc, S::kRows, S::kVectors, S::kPaired, S::kPixels, S::kColumns;

  HWY_INLINE Tile() {}

  HWY_INLINE void store(const TileArgs<float>& args, float* y, size_t pixels) const {
    const DF df;
    VF multiplier[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      multiplier[j] =
          hn::LoadU(df, reinterpret_cast<const float*>(args.panel) + (kVectors + j) * kTileLanes);
    const bool whole = HWY_LIKELY(pixels >= kPixels && args.columns == kColumns);
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const size_t first = i * (kPaired ? 2 : 1);
      if (!whole && first >= pixels) break;
      const size_t columns = args.columns * (kPaired ? std::min<size_t>(2, pixels - first) : 1);
      float* row = y + first * args.y_stride;
      OCTET_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        const VF v = scale_to_f32(acc[i][j], multiplier[j]);
        const size_t done = j * kTileLanes;
        if (whole || done + kTileLanes <= columns) {
          hn::StoreU(v, df, row + done);
        } else if (done < columns) {
          store_first(v, row + done, columns - done);
        }
      }
    }
  }
};

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
