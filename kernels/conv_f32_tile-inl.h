// The register tile of conv_f32: kRows output rows x kVectors vectors of output channels.
//
// Every form of convolution reaches it through a table of row pointers: for each tap (a 1x1 layer
// has one, a 3x3 layer nine) and each output row the place where `run` consecutive inputs lie. So
// there is one loop to keep fast, and padding is nothing but a pointer to zeros.
//
// Sizes. Each step over k broadcasts kRows inputs and loads kVectors weights for kRows * kVectors
// multiply-adds. Two vectors and as many rows as the registers hold leave the load ports half idle
// and read a panel of weights, which comes from L2 when k is large, only once per kRows rows; the
// wider and lower tiles (6 x 4 vectors) read it twice as often. 14 rows also divide the 112, 56,
// 28 and 14 wide maps of networks with 224 x 224 inputs. A single vector, for the last odd one,
// needs a load for every multiply-add: there the row pointers have to stay in registers, and
// twelve do.
#if defined(OCTET_KERNELS_CONV_F32_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CONV_F32_TILE_INL_H_
#undef OCTET_KERNELS_CONV_F32_TILE_INL_H_
#else
#define OCTET_KERNELS_CONV_F32_TILE_INL_H_
#endif

#include <array>
#include <utility>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/store_first-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_f32::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(DF());
constexpr size_t kPanelVectors = 2;
#if OCTET_IS_AVX3
constexpr size_t kTileRows = 14;  // 28 accumulators, 2 weights, 1 input of 32 registers
#elif OCTET_IS_NEON
constexpr size_t kTileRows = 12;  // 24 accumulators of 32 registers
#elif OCTET_IS_AVX2 || OCTET_IS_SSE
constexpr size_t kTileRows = 6;  // 12 accumulators, 2 weights, 1 input, 1 product of 16 registers
#else
constexpr size_t kTileRows = 4;
#endif
#if OCTET_IS_SSE || OCTET_IS_AVX2 || OCTET_IS_AVX3 || OCTET_IS_NEON
constexpr size_t kSingleRows = 12, kPairedRows = 12;
#else
constexpr size_t kSingleRows = 4, kPairedRows = 4;
#endif

constexpr size_t kMostTileRows = HWY_MAX(kTileRows, HWY_MAX(kSingleRows, kPairedRows));

// Floats in a cache line, and how far ahead weights are fetched: far enough for the first tile of
// a panel, which finds them in L3 or memory.
constexpr size_t kLine = 16;
constexpr size_t kPrefetchFloats = 64 * kLine;

enum class Panel {
  single,  // one vector of outputs
  paired,  // a vector and at most half of a second one, which rows share in pairs
  full,    // two vectors
};

// Only long vectors are worth the pairing.
inline Panel panel_of(size_t vectors, size_t columns) {
  if (vectors == 1) return Panel::single;
  return OCTET_IS_AVX3 && columns <= kLanes + kLanes / 2 ? Panel::paired : Panel::full;
}

struct TileArgs {
  const float* const* rows;  // [taps][rows_step], the tile's first row at [0]
  size_t rows_step;
  size_t taps, run;    // taps * run inputs per output
  size_t x_offset;     // first channel of the group
  const float* panel;  // [1 + taps * run][vectors * kLanes]: bias, weights
  const float* next;   // needed soon, and fetched into L2: next_step floats for every k
  size_t next_step;
  float* y;
  size_t y_step;
  size_t columns;  // to be written; only the last vector may be incomplete
  float lo, hi;
};

// The output goes to lines that were written long ago: fetched while the sums are formed.
template <int kRows, int kVectors>
HWY_INLINE void prefetch_output(const TileArgs& t) {
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    OCTET_UNROLL
    for (size_t j = 0; j < kVectors * kLanes; j += kLine) hwy::Prefetch(t.y + i * t.y_step + j);
  }
}

// In this order a NaN stays a NaN.
HWY_INLINE VF clamp(VF v, VF lo, VF hi) { return hn::Min(hi, hn::Max(lo, v)); }

// Full and single panels.
template <int kRows, int kVectors>
HWY_NOINLINE void tile(const TileArgs& t) {
  const DF d;
  VF acc[kRows][kVectors];
  const float* HWY_RESTRICT w = t.panel;
  const float* next = t.next;
  const size_t next_step = t.next_step;
  prefetch_output<kRows, kVectors>(t);
  OCTET_UNROLL
  for (int j = 0; j < kVectors; ++j) {
    const VF bias = hn::Load(d, w + j * kLanes);
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) acc[i][j] = bias;
  }
  for (size_t tap = 0; tap < t.taps; ++tap) {
    const float* HWY_RESTRICT x[kRows];
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) x[i] = t.rows[tap * t.rows_step + i] + t.x_offset;
    for (size_t k = 0; k < t.run; ++k) {
      w += kVectors * kLanes;
      if constexpr (kVectors > 1) {  // a single vector has no load to spare
        OCTET_UNROLL
        for (size_t j = 0; j < kVectors * kLanes; j += kLine)
          hwy::Prefetch(w + kPrefetchFloats + j);
        hwy::Prefetch(next);
        next += next_step;
      }
      VF b[kVectors];
      OCTET_UNROLL
      for (int j = 0; j < kVectors; ++j) b[j] = hn::Load(d, w + j * kLanes);
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) {
        const VF a = hn::Set(d, x[i][k]);
        OCTET_UNROLL
        for (int j = 0; j < kVectors; ++j) {
          acc[i][j] = hn::MulAdd(a, b[j], acc[i][j]);
          OCTET_KEEP_IN_REGISTER(acc[i][j]);
        }
      }
    }
  }
  const VF lo = hn::Set(d, t.lo), hi = hn::Set(d, t.hi);
  const size_t last = t.columns - (kVectors - 1) * kLanes, y_step = t.y_step;
  float* HWY_RESTRICT y = t.y;
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const VF v = clamp(acc[i][j], lo, hi);
      if (j + 1 < kVectors || last == kLanes) {
        hn::StoreU(v, d, y + j * kLanes);
      } else {
        store_first(v, y + j * kLanes, last);
      }
    }
    y += y_step;
  }
}

#if OCTET_IS_AVX3
// Paired panels: two rows share one accumulator for the second vector, whose upper half belongs to
// the second row. Both halves of the packed weights hold the same columns. 24 outputs cost 1.5
// multiply-adds per row and k so, not 2.
template <int kRows>
HWY_NOINLINE void tile_paired(const TileArgs& t) {
  constexpr int kPairs = (kRows + 1) / 2;
  const DF d;
  VF acc[kRows], shared[kPairs];
  const float* HWY_RESTRICT w = t.panel;
  prefetch_output<kRows, 2>(t);
  const VF bias = hn::Load(d, w), shared_bias = hn::Load(d, w + kLanes);
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) acc[i] = bias;
  OCTET_UNROLL
  for (int i = 0; i < kPairs; ++i) shared[i] = shared_bias;
  const auto lower = hn::FirstN(d, kLanes / 2);
  for (size_t tap = 0; tap < t.taps; ++tap) {
    const float* HWY_RESTRICT x[kRows];
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) x[i] = t.rows[tap * t.rows_step + i] + t.x_offset;
    for (size_t k = 0; k < t.run; ++k) {
      w += 2 * kLanes;
      const VF b = hn::Load(d, w), shared_b = hn::Load(d, w + kLanes);
      OCTET_UNROLL
      for (int i = 0; i < kRows; i += 2) {
        const VF even = hn::Set(d, x[i][k]);
        acc[i] = hn::MulAdd(even, b, acc[i]);
        OCTET_KEEP_IN_REGISTER(acc[i]);
        VF both = even;
        if (i + 1 < kRows) {
          const VF odd = hn::Set(d, x[i + 1][k]);
          acc[i + 1] = hn::MulAdd(odd, b, acc[i + 1]);
          OCTET_KEEP_IN_REGISTER(acc[i + 1]);
          both = hn::IfThenElse(lower, even, odd);
        }
        shared[i / 2] = hn::MulAdd(both, shared_b, shared[i / 2]);
        OCTET_KEEP_IN_REGISTER(shared[i / 2]);
      }
    }
  }
  const VF lo = hn::Set(d, t.lo), hi = hn::Set(d, t.hi);
  const hn::Half<DF> half;
  const auto mask = hn::FirstN(half, t.columns - kLanes);
  const size_t y_step = t.y_step;
  float* HWY_RESTRICT y = t.y;
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    hn::StoreU(clamp(acc[i], lo, hi), d, y);
    const VF both = clamp(shared[i / 2], lo, hi);
    auto own = i % 2 == 0 ? hn::LowerHalf(half, both) : hn::UpperHalf(half, both);
    // GCC would make one masked vextract to memory, which faults on lanes that it does not write.
    OCTET_KEEP_IN_REGISTER(own);
    hn::BlendedStore(own, mask, half, y + kLanes);
    y += y_step;
  }
}
#endif

using TileFn = void (*)(const TileArgs&);

template <int kVectors, size_t... kMinusOne>
constexpr std::array<TileFn, sizeof...(kMinusOne)> tiles(std::index_sequence<kMinusOne...>) {
  return {&tile<static_cast<int>(kMinusOne) + 1, kVectors>...};
}

#if OCTET_IS_AVX3
template <size_t... kMinusOne>
constexpr std::array<TileFn, sizeof...(kMinusOne)> paired_tiles(std::index_sequence<kMinusOne...>) {
  return {&tile_paired<static_cast<int>(kMinusOne) + 1>...};
}
#endif

// The tiles of 1, 2, ... rows for one kind of panel.
struct TileRange {
  const TileFn* of_rows;  // at [rows - 1]
  size_t most_rows;
};

HWY_INLINE TileRange tiles_for(Panel panel) {
  static constexpr auto kSingle = tiles<1>(std::make_index_sequence<kSingleRows>());
  static constexpr auto kFull = tiles<2>(std::make_index_sequence<kTileRows>());
#if OCTET_IS_AVX3
  static constexpr auto kPaired = paired_tiles(std::make_index_sequence<kPairedRows>());
  if (panel == Panel::paired) return {kPaired.data(), kPaired.size()};
#endif
  if (panel == Panel::single) return {kSingle.data(), kSingle.size()};
  return {kFull.data(), kFull.size()};
}

}  // namespace octet::kernels::conv_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
