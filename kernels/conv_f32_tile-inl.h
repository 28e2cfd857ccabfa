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
#include "kernels/conv_f32_layout.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/store_first-inl.h"
#include "kernels/store_order-inl.h"

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
constexpr size_t kSingleRows = 12;
#else
constexpr size_t kSingleRows = 4;
#endif

constexpr size_t kMostTileRows = HWY_MAX(kTileRows, kSingleRows);

// Floats in a cache line, and how far ahead weights are fetched: far enough for the first tile of
// a panel, which finds them in L3 or memory.
constexpr size_t kLine = 16;
constexpr size_t kPrefetchFloats = 64 * kLine;

enum class Panel {
  single,  // one vector of outputs
  half,    // a vector and at most half of a second one
  full,    // two vectors
};

// Only AVX-512 has shorter vectors that cost less (Zen 4) or as much (others).
inline Panel panel_of(size_t vectors, size_t columns) {
  if (vectors == 1) return Panel::single;
  return OCTET_IS_AVX3 && columns <= kLanes + kLanes / 2 ? Panel::half : Panel::full;
}

struct TileArgs {
  const float* const* rows;  // [taps][rows_step], the first tile's first row at [0]
  size_t rows_step;
  size_t taps, run;    // taps * run inputs per output
  size_t x_offset;     // first channel of the group
  const float* panel;  // [1 + taps * run][vectors * kLanes]: bias, weights
  // Needed soon and fetched in passing, next_step floats for every k; null: the output of the tile.
  const float* next;
  size_t next_step;
  float* y;
  size_t y_step;
  size_t columns;  // to be written; only the last vector may be incomplete
  float lo, hi;
};

// In this order a NaN stays a NaN.
template <class V>
HWY_INLINE V clamp(V v, V lo, V hi) {
  return hn::Min(hi, hn::Max(lo, v));
}

#if OCTET_IS_AVX3
using DHalf = hn::Half<DF>;
HWY_INLINE hn::Vec<DHalf> first_lanes(DHalf d, VF v) { return hn::LowerHalf(d, v); }
#else
using DHalf = DF;
#endif
HWY_INLINE VF first_lanes(DF, VF v) { return v; }

// Of a panel's last vector, those that are to be written.
template <class D>
class LastColumns {
 public:
#if OCTET_IS_AVX3
  explicit LastColumns(size_t count) : columns_(hn::FirstN(D(), count)) {}
  HWY_INLINE void store(hn::Vec<D> v, float* y) const { hn::BlendedStore(v, columns_, D(), y); }

 private:
  hn::Mask<D> columns_;
#else
  explicit LastColumns(size_t count) : columns_(count) {}
  HWY_INLINE void store(hn::Vec<D> v, float* y) const {
    if (columns_ == kLanes) {
      hn::StoreU(v, D(), y);
    } else {
      store_first(v, y, columns_);
    }
  }

 private:
  size_t columns_;
#endif
};

// `tiles` tiles, one below the other. A loop in here, not around it, for between the last
// multiply-add of a tile and the first one of the next should lie no more instructions than the
// processor sees at once, some 300.
template <int kRows, int kVectors, class DLast>
HWY_NOINLINE void run_tiles(const TileArgs& t, size_t tiles) {
  const DF d;
  const DLast d_last;
  constexpr size_t kLast = (kVectors - 1) * kLanes;
  const LastColumns<DLast> last_columns(t.columns - kLast);
  const float* const* rows = t.rows;
  float* HWY_RESTRICT y = t.y;
  const size_t y_step = t.y_step, end = t.x_offset + t.run;
  const float* next = t.next;
  const float* last_next = nullptr;
  const size_t next_step = t.next == nullptr ? y_step : t.next_step;
  for (; tiles != 0; --tiles, rows += kRows) {
    const float* HWY_RESTRICT w = t.panel;
    VF acc[kRows];  // the first one of two vectors
    hn::Vec<DLast> last[kRows];
    const VF bias = hn::Load(d, w);
    const auto last_bias = hn::Load(d_last, w + kLast);
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      acc[i] = bias;
      last[i] = last_bias;
    }
    if (t.next == nullptr) {
      next = y;
      last_next = y + (kRows - 1) * y_step;
    }
    for (size_t tap = 0; tap < t.taps; ++tap) {
      const float* HWY_RESTRICT x[kRows];
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) x[i] = rows[tap * t.rows_step + i];
      for (size_t k = t.x_offset; k < end; ++k) {
        w += kVectors * kLanes;
        // A single vector has no load to spare, and one row reads weights as fast as they come.
        if constexpr (kVectors > 1 && kRows > 1) {
          OCTET_UNROLL
          for (size_t j = 0; j < kVectors * kLanes; j += kLine) {
            hwy::Prefetch(w + kPrefetchFloats + j);
            hwy::Prefetch(next + j);
          }
          next = next == last_next ? next : next + next_step;
          asm("" : "+r"(next));  // or GCC makes two loops of this one
        }
        const VF b = hn::Load(d, w);
        const auto last_b = hn::Load(d_last, w + kLast);
        OCTET_UNROLL
        for (int i = 0; i < kRows; ++i) {
          const VF a = hn::Set(d, x[i][k]);
          if constexpr (kVectors > 1) {
            acc[i] = hn::MulAdd(a, b, acc[i]);
            OCTET_KEEP_IN_REGISTER(acc[i]);
          }
          last[i] = hn::MulAdd(first_lanes(d_last, a), last_b, last[i]);
          OCTET_KEEP_IN_REGISTER(last[i]);
        }
      }
    }
    const VF lo = hn::Set(d, t.lo), hi = hn::Set(d, t.hi);  // no registers for them before
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      if constexpr (kVectors > 1) {
        OCTET_KEEP_ORDER(acc[i]);
        hn::StoreU(clamp(acc[i], lo, hi), d, y);
      }
      OCTET_KEEP_ORDER(last[i]);
      last_columns.store(clamp(last[i], first_lanes(d_last, lo), first_lanes(d_last, hi)),
                         y + kLast);
      y += y_step;
    }
  }
}

// What a tile of full vectors takes for `inputs` values of k.
inline double tile_slots(size_t rows, size_t vectors, size_t inputs) {
  const double r = static_cast<double>(rows), v = static_cast<double>(vectors);
  const double prefetches = rows > 1 && vectors > 1 ? 2 * v * kLanes / kLine : 0;
  const Instructions step =
      r * v * kMultiplyAdd + r * kBroadcast + Instructions{.loads = v + prefetches};
  return static_cast<double>(inputs) * step.slots() + (r * v * kClamp).slots();
}

// One row of inputs takes the time of reading the weights once. kRowPanels full panels, panel_step
// floats apart, come faster side by side: more loads are under way, and each waits for other sums.
inline HWY_NOINLINE void run_row(const TileArgs& t, size_t panel_step) {
  constexpr size_t kVectors = kRowPanels * kPanelVectors;
  const DF d;
  const auto place = [panel_step](size_t i) {
    return i / kPanelVectors * panel_step + i % kPanelVectors * kLanes;
  };
  const float* HWY_RESTRICT w = t.panel;
  VF acc[kVectors];
  OCTET_UNROLL
  for (size_t i = 0; i < kVectors; ++i) acc[i] = hn::Load(d, w + place(i));
  for (size_t tap = 0; tap < t.taps; ++tap) {
    const float* HWY_RESTRICT x = t.rows[tap * t.rows_step] + t.x_offset;
    for (size_t k = 0; k < t.run; ++k) {
      w += kPanelVectors * kLanes;
      const VF a = hn::Set(d, x[k]);
      OCTET_UNROLL
      for (size_t i = 0; i < kVectors; ++i) {
        acc[i] = hn::MulAdd(a, hn::Load(d, w + place(i)), acc[i]);
        OCTET_KEEP_IN_REGISTER(acc[i]);
      }
    }
  }
  const VF lo = hn::Set(d, t.lo), hi = hn::Set(d, t.hi);
  OCTET_UNROLL
  for (size_t i = 0; i < kVectors; ++i) hn::StoreU(clamp(acc[i], lo, hi), d, t.y + i * kLanes);
}

using TileFn = void (*)(const TileArgs&, size_t tiles);

template <int kVectors, class DLast, size_t... kMinusOne>
constexpr std::array<TileFn, sizeof...(kMinusOne)> tiles(std::index_sequence<kMinusOne...>) {
  return {&run_tiles<static_cast<int>(kMinusOne) + 1, kVectors, DLast>...};
}

// The tiles of 1, 2, ... rows for one kind of panel.
struct TileRange {
  const TileFn* of_rows;  // at [rows - 1]
  size_t most_rows;
};

HWY_INLINE TileRange tiles_for(Panel panel) {
  static constexpr auto kSingle = tiles<1, DF>(std::make_index_sequence<kSingleRows>());
  static constexpr auto kHalf = tiles<2, DHalf>(std::make_index_sequence<kTileRows>());
  static constexpr auto kFull = tiles<2, DF>(std::make_index_sequence<kTileRows>());
  if (panel == Panel::single) return {kSingle.data(), kSingle.size()};
  if (panel == Panel::half) return {kHalf.data(), kHalf.size()};
  return {kFull.data(), kFull.size()};
}

// How `rows` rows fall into tiles of nearly equal height, at most `most_rows`.
struct TileRows {
  size_t tiles, height, higher;  // `higher` of the tiles have a row more

  TileRows(size_t rows, size_t most_rows)
      : tiles(divide_up(rows, most_rows)), height(rows / tiles), higher(rows % tiles) {}

  // What they take with `vectors` vectors and `inputs` values of k.
  double slots(size_t vectors, size_t inputs) const {
    return static_cast<double>(higher) * tile_slots(height + 1, vectors, inputs) +
           static_cast<double>(tiles - higher) * tile_slots(height, vectors, inputs);
  }
};

}  // namespace octet::kernels::conv_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
