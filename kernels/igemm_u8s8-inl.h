// The register tile of conv_u8s8: a few rows of gathered u8 input times one packed panel of s8
// weights, requantized and stored. The panel's layout is drawn in conv_u8s8_pack.h.
//
// Tile sizes. Each step of four bytes per row loads kVectors weight vectors and kRows broadcasts
// and does kRows * kVectors dots. The sums stay in registers, so kRows * kVectors + kVectors + 1
// must not exceed the register count; and the two dots a cycle of the widest cores, each with a
// latency of 4 to 5 cycles, want 10 independent sums or more. Two loads a cycle feed two dots a
// cycle only if kRows + kVectors is below kRows * kVectors, which all but the one-vector tiles are.
//   AVX-512 (32 registers of 16 lanes)  6x64, 8x48, 12x32, 16x16 (rows x columns)
//   AVX2 (16 of 8)                      6x16; without VNNI 4x16, as widening needs registers
//   SSE4 (16 of 4)                      4x8
//   NEON (32 of 4)                      6x16
// Smaller kRows exist where rows are few and to divide rows evenly (49 = 4 x 6 + 5 x 5).
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
  V32 acc[kRows][kVectors];

  HWY_INLINE void init(const std::byte* panel) {
    const D32 d;
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const V32 bias = hn::LoadU(d, reinterpret_cast<const int32_t*>(panel) + j * kTileLanes);
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) acc[i][j] = bias;
    }
  }

  // One quad of every row. quad(i): pixel i's, broadcast.
  template <class Quad>
  HWY_INLINE void step(const std::byte* weights, const Quad& quad) {
    const D32 d;
    V32 b[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      b[j] = hn::LoadU(d, reinterpret_cast<const int32_t*>(weights) + j * kTileLanes);
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      if constexpr (kPaired) {
#if OCTET_IS_AVX3
        static_assert(kVectors == 3);
        const V32 left = quad(2 * i), right = quad(2 * i + 1);
        const V32 both{_mm512_mask_blend_epi32(0xFF00, left.raw, right.raw)};
        acc[i][0] = dot_quad<kDot>(left, b[0], acc[i][0]);
        acc[i][1] = dot_quad<kDot>(both, b[1], acc[i][1]);
        acc[i][2] = dot_quad<kDot>(right, b[2], acc[i][2]);
#endif
      } else {
        const V32 a = quad(i);
        OCTET_UNROLL
        for (int j = 0; j < kVectors; ++j) acc[i][j] = dot_quad<kDot>(a, b[j], acc[i][j]);
      }
    }
  }

  HWY_INLINE void accumulate(const TileArgs& args, const uint8_t* const* pixels) {
    constexpr size_t kStep = kVectors * kTileLanes * 4;
    const std::byte* weights = args.panel + 2 * kStep;
    for (size_t t = 0; t < args.taps; ++t, pixels += args.pixel_stride) {
      const uint8_t* a[kPixels];
      OCTET_UNROLL
      for (int i = 0; i < kPixels; ++i) a[i] = pixels[i];
      size_t k = 0;
      for (; k < args.quads; ++k, weights += kStep)
        step(weights, [&](int i) HWY_ATTR { return broadcast_quad(a[i] + 4 * k); });
      if (HWY_UNLIKELY(args.tail != 0)) {
        step(weights,
             [&](int i) HWY_ATTR { return broadcast_tail(a[i] + 4 * k + args.tail, args.tail); });
        weights += kStep;
      }
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

  // The first `pixels` pixels, row by row: for tails, and rows of three vectors.
  HWY_INLINE void store_part(const TileArgs& args, uint8_t* y, size_t pixels, const VF* multiplier,
                             const RangeVectors& range) const {
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const size_t first = i * (kPaired ? 2 : 1);
      if (first >= pixels) break;
      const V8 q = bytes(i * kVectors, multiplier, range);
      const size_t count = kPaired ? std::min<size_t>(2, pixels - first) : 1;
      store_first(q, y + first * args.y_stride, count * args.columns);
    }
  }

  HWY_INLINE void store(const TileArgs& args, uint8_t* y, size_t pixels) const {
    constexpr size_t kColumns = kVectors * kTileLanes / (kPaired ? 2 : 1);
    const DF df;
    const RangeVectors range(args.range);
    VF multiplier[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      multiplier[j] =
          hn::LoadU(df, reinterpret_cast<const float*>(args.panel) + (kVectors + j) * kTileLanes);
    if (HWY_LIKELY(pixels >= kPixels && args.columns == kColumns)) {
      if (kVectors != 4 && args.y_stride == kColumns) return store_dense(y, multiplier, range);
      if constexpr (kVectors != 3) return store_rows(y, args.y_stride, multiplier, range);
    }
    store_part(args, y, pixels, multiplier, range);
  }
#endif  // HWY_TARGET != HWY_SCALAR
};

// Tiles one below the other, from pixel `first` on.
using TileFn = void (*)(const TileArgs& args, size_t first, size_t tiles);

template <Dot kDot, int kRows, int kVectors, bool kPaired>
HWY_NOINLINE void run_tiles(const TileArgs& args, size_t first, size_t tiles) {
  using T = Tile<kDot, kRows, kVectors, kPaired>;
  for (size_t n = 0; n < tiles; ++n, first += T::kPixels) {
    T tile;
    tile.init(args.panel);
    tile.accumulate(args, args.pixels + first);
    tile.store(args, args.y + first * args.y_stride, args.pixel_count - first);
  }
}

struct TileChoice {
  TileFn run;
  size_t pixels;
};

// The lowest tile of at least `pixels` pixels, or the highest there is. kRows: ascending.
template <Dot kDot, int kVectors, bool kPaired, int... kRows>
TileChoice choose_among(size_t pixels) {
  TileChoice choice{nullptr, 0};
  ((choice.pixels < pixels
        ? void(choice = {&run_tiles<kDot, kRows, kVectors, kPaired>, kRows * (kPaired ? 2 : 1)})
        : void()),
   ...);
  return choice;
}

#if OCTET_IS_AVX3
constexpr int kPanelVectors = 4;
constexpr bool kWholePanels = false;
template <Dot kDot>
TileChoice choose_tile(size_t vectors, bool paired, size_t pixels) {
  if constexpr (kDot == Dot::vnni) {
    if (paired) return choose_among<kDot, 3, true, 1, 4, 8>(pixels);
    if (vectors == 4) return choose_among<kDot, 4, false, 1, 2, 4, 5, 6>(pixels);
    if (vectors == 3) return choose_among<kDot, 3, false, 1, 2, 4, 7, 8>(pixels);
    if (vectors == 2) return choose_among<kDot, 2, false, 1, 4, 8, 10, 12>(pixels);
    return choose_among<kDot, 1, false, 1, 4, 8, 16>(pixels);
  } else {
    if (paired) return choose_among<kDot, 3, true, 1, 4>(pixels);
    if (vectors == 4) return choose_among<kDot, 4, false, 1, 4>(pixels);
    if (vectors == 3) return choose_among<kDot, 3, false, 1, 4>(pixels);
    if (vectors == 2) return choose_among<kDot, 2, false, 1, 6>(pixels);
    return choose_among<kDot, 1, false, 1, 8>(pixels);
  }
}
#else
#if OCTET_IS_AVX2 || OCTET_IS_SSE
constexpr int kPanelVectors = 2;
#else
constexpr int kPanelVectors = 4;
#endif
constexpr bool kWholePanels = true;
template <Dot kDot>
TileChoice choose_tile(size_t, bool, size_t pixels) {
#if OCTET_IS_NEON
  return choose_among<kDot, kPanelVectors, false, 1, 2, 4, 6>(pixels);
#elif HWY_TARGET == HWY_SCALAR
  return choose_among<kDot, kPanelVectors, false, 1, 2>(pixels);
#else
  if constexpr (kDot == Dot::vnni)
    return choose_among<kDot, kPanelVectors, false, 1, 2, 4, 6>(pixels);
  return choose_among<kDot, kPanelVectors, false, 1, 2, 4>(pixels);
#endif
}
#endif

// All pixels of args times one panel of `vectors` vectors. Tiles are as equal as they can be,
// for a tile half empty costs as much as a full one.
template <Dot kDot>
void run_panel(const TileArgs& args, size_t vectors, bool paired) {
  size_t first = 0;
  while (first < args.pixel_count) {
    const size_t rest = args.pixel_count - first;
    const size_t highest = choose_tile<kDot>(vectors, paired, SIZE_MAX).pixels;
    const size_t count = (rest + highest - 1) / highest;
    const size_t height = (rest + count - 1) / count;
    const TileChoice tile = choose_tile<kDot>(vectors, paired, height);
    // As many as leave tiles one lower for the rest, or all.
    const size_t lower = count * height - rest;
    const size_t tiles = tile.pixels == height && lower < count
                             ? count - lower
                             : (rest + tile.pixels - 1) / tile.pixels;
    tile.run(args, first, tiles);
    first += tiles * tile.pixels;
  }
}

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
