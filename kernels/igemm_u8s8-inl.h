// The register tile of conv_u8s8: a few rows of gathered u8 input times one packed panel of s8
// weights, requantized and stored. The panel's layout is drawn in conv_u8s8_pack.h.
// Which sizes a target uses, and why, says igemm_u8s8_panel-inl.h.
#if defined(OCTET_KERNELS_IGEMM_U8S8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_IGEMM_U8S8_INL_H_
#undef OCTET_KERNELS_IGEMM_U8S8_INL_H_
#else
#define OCTET_KERNELS_IGEMM_U8S8_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
constexpr size_t kTileLanes = 1;
#else
constexpr size_t kTileLanes = HWY_MAX_BYTES / 4;
#endif

// Everything about a block of rows times a panel.
struct TileArgs {
  const uint8_t* const* pixels;  // [taps][pixel_stride]: where each pixel's bytes of a tap lie
  size_t pixel_stride;
  size_t pixel_count;  // pointers beyond, up to a tile's rows, are valid, their results dropped
  size_t taps;
  size_t quads;  // whole quads of a tap
  size_t tail;   // bytes of a tap after them, 0..3; if not 0, quads is not 0
  const std::byte* panel;
  uint8_t* y;       // pixel 0, first column of the panel
  size_t y_stride;  // bytes from pixel to pixel
  size_t columns;   // columns of the panel that exist
  OutputRange range;
};

// Four bytes of each pixel in all lanes.
HWY_INLINE V32 broadcast_quad(const uint8_t* p) {
  int32_t quad;
  std::memcpy(&quad, p, 4);
  return hn::Set(D32(), quad);
}

// The last `tail` bytes before `end`, then zeros. Reads the four bytes before `end`.
HWY_INLINE V32 broadcast_tail(const uint8_t* end, size_t tail) {
  uint32_t quad;
  std::memcpy(&quad, end - 4, 4);
  return hn::Set(D32(), static_cast<int32_t>(quad >> (32 - 8 * tail)));
}

// A row of a paired tile has two pixels.
template <Dot kDot, int kRows, int kVectors, bool kPaired>
struct Tile {
  static constexpr int kPixels = kRows * (kPaired ? 2 : 1);
  static constexpr size_t kColumns = kVectors * kTileLanes / (kPaired ? 2 : 1);
  static constexpr size_t kStep = kVectors * kTileLanes * 4;  // bytes of a panel per quad
  V32 acc[kRows][kVectors];

  HWY_INLINE Tile() {}  // GCC would build the implicit one without the target's instructions

  HWY_INLINE void init(const std::byte* panel) {
    const D32 d;
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const V32 bias = hn::LoadU(d, reinterpret_cast<const int32_t*>(panel) + j * kTileLanes);
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) acc[i][j] = bias;
    }
  }

  // Quad k of every row; kTail: the last, of `tail` bytes. a: where the tap's bytes lie.
  template <bool kTail>
  HWY_INLINE void step(const std::byte* weights, const uint8_t* const* a, size_t k, size_t tail) {
    const D32 d;
    V32 b[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      V32 loaded = hn::LoadU(d, reinterpret_cast<const int32_t*>(weights) + j * kTileLanes);
      OCTET_KEEP_IN_REGISTER(loaded);  // else GCC loads it again for every row
      b[j] = loaded;
    }
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      if constexpr (kPaired) {
#if OCTET_IS_AVX3
        static_assert(kVectors == 3);
        const V32 left = quad<kTail>(a[2 * i], k, tail);
        V32 right = quad<kTail>(a[2 * i + 1], k, tail);
        OCTET_KEEP_IN_REGISTER(right);  // else it is loaded twice, the second time under the mask
        const V32 both{_mm512_mask_blend_epi32(0xFF00, left.raw, right.raw)};
        acc[i][0] = dot_quad<kDot>(left, b[0], acc[i][0]);
        acc[i][1] = dot_quad<kDot>(both, b[1], acc[i][1]);
        acc[i][2] = dot_quad<kDot>(right, b[2], acc[i][2]);
#endif
      } else {
        const V32 row = quad<kTail>(a[i], k, tail);
        OCTET_UNROLL
        for (int j = 0; j < kVectors; ++j) acc[i][j] = dot_quad<kDot>(row, b[j], acc[i][j]);
      }
    }
  }
  template <bool kTail>
  static HWY_INLINE V32 quad(const uint8_t* a, size_t k, size_t tail) {
    return kTail ? broadcast_tail(a + 4 * k + tail, tail) : broadcast_quad(a + 4 * k);
  }

  // Quads k and later of one tap.
  HWY_INLINE const std::byte* finish_tap(const TileArgs& args, const uint8_t* const* a, size_t k,
                                         const std::byte* weights) {
    for (; k < args.quads; ++k, weights += kStep) step<false>(weights, a, k, 0);
    if (HWY_UNLIKELY(args.tail != 0)) {
      step<true>(weights, a, k, args.tail);
      weights += kStep;
    }
    return weights;
  }

  // Taps from `tap` on.
  HWY_INLINE void finish(const TileArgs& args, const uint8_t* const* pixels, size_t tap,
                         const std::byte* weights) {
    for (pixels += tap * args.pixel_stride; tap < args.taps; ++tap, pixels += args.pixel_stride) {
      const uint8_t* a[kPixels];
      OCTET_UNROLL
      for (int i = 0; i < kPixels; ++i) a[i] = pixels[i];
      weights = finish_tap(args, a, 0, weights);
    }
  }

#if HWY_TARGET == HWY_SCALAR
  HWY_INLINE void store(const TileArgs& args, uint8_t* y, size_t pixels) const {
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
#endif
      }
    }
  }

  // The first `pixels` pixels, row by row: for tails, and rows of three or six vectors.
  HWY_INLINE void store_part(const TileArgs& args, uint8_t* y, size_t pixels, const VF* multiplier,
                             const RangeVectors& range) const {
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
  HWY_INLINE void store_group(int g, const TileArgs& shared, uint8_t* y) const {
    // Constants are to be read where they are used: hoisted, they would push sums to the stack.
    const TileArgs* opaque = &shared;
    asm volatile("" : "+r"(opaque));
    const TileArgs& args = *opaque;
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

  HWY_INLINE void store(const TileArgs& args, uint8_t* y, size_t pixels) const {
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

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
