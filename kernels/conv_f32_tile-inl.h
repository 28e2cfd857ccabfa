// The register tile of conv_f32: kRows output rows x kVectors vectors of output channels.
//
// Every form of convolution reaches it through a table of row pointers: for each tap (a 1x1 layer
// has one, a 3x3 layer nine) and each output row the place where `run` consecutive inputs lie. So
// there is one loop to keep fast, and padding is nothing but a pointer to zeros.
//
// Sizes. Each step over k broadcasts kRows inputs and loads kVectors weights for kRows * kVectors
// multiply-adds. Two vectors and as many rows as the registers hold leave the load ports half idle
// and read a panel of weights, which comes from L2 when k is large, only once per kRows rows. The
// wider and lower tiles (6 x 4 vectors) read it twice as often. 14 rows also divide the 112, 56,
// 28 and 14 wide maps of networks with 224 x 224 inputs. One vector is for the last odd one.
#if defined(OCTET_KERNELS_CONV_F32_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CONV_F32_TILE_INL_H_
#undef OCTET_KERNELS_CONV_F32_TILE_INL_H_
#else
#define OCTET_KERNELS_CONV_F32_TILE_INL_H_
#endif

#include <array>
#include <cstring>
#include <utility>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

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

struct TileArgs {
  const float* const* rows;  // [taps][rows_step], the tile's first row at [0]
  size_t rows_step;
  size_t taps, run;    // taps * run inputs per output
  size_t x_offset;     // first channel of the group
  const float* panel;  // [1 + taps * run][kVectors * kLanes]: bias, weights
  float* y;
  size_t y_step;
  size_t columns;  // to be written, above (kVectors - 1) * kLanes
  float lo, hi;
};

// Writes the last vector of a row when only `count` of its lanes exist.
HWY_INLINE void store_first(VF v, float* y, size_t count) {
  const DF d;
#if OCTET_IS_AVX3 || OCTET_IS_AVX2
  hn::BlendedStore(v, hn::FirstN(d, count), d, y);
#else
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, d, lanes);
  std::memcpy(y, lanes, count * sizeof(float));
#endif
}

template <int kRows, int kVectors>
HWY_NOINLINE void tile(const TileArgs& t) {
  const DF d;
  VF acc[kRows][kVectors];
  const float* HWY_RESTRICT w = t.panel;
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
  const size_t last = t.columns - (kVectors - 1) * kLanes;
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    float* y = t.y + i * t.y_step;
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      // In this order a NaN stays a NaN.
      const VF v = hn::Min(hi, hn::Max(lo, acc[i][j]));
      if (j + 1 < kVectors || last == kLanes) {
        hn::StoreU(v, d, y + j * kLanes);
      } else {
        store_first(v, y + j * kLanes, last);
      }
    }
  }
}

using TileFn = void (*)(const TileArgs&);

// Tiles of 1 to kTileRows rows.
template <int kVectors, size_t... kMinusOne>
constexpr std::array<TileFn, sizeof...(kMinusOne)> tiles(std::index_sequence<kMinusOne...>) {
  return {&tile<static_cast<int>(kMinusOne) + 1, kVectors>...};
}

HWY_INLINE TileFn tile_for(size_t rows, size_t vectors) {
  static constexpr auto kOne = tiles<1>(std::make_index_sequence<kTileRows>());
  static constexpr auto kTwo = tiles<2>(std::make_index_sequence<kTileRows>());
  return vectors == 1 ? kOne[rows - 1] : kTwo[rows - 1];
}

}  // namespace octet::kernels::conv_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
