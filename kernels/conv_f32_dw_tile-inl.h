// The register tile of conv_f32_dw: kRows elements of one side x kVectors vectors of the other,
// summed over the pixels of all runs.
//
// Both operands lie in memory as they are read, rows of channels, so there is nothing to pack. Each
// pixel broadcasts kRows floats and loads kVectors vectors for kRows * kVectors multiply-adds.
// Three vectors by eight or nine rows: 16, 32, 64... channels are multiples of eight, and kernels
// of 3x3 have nine vectors for every vector of channels. And what surrounds it: many such tiles,
// and adding up their sums.
#if defined(OCTET_KERNELS_CONV_F32_DW_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CONV_F32_DW_TILE_INL_H_
#undef OCTET_KERNELS_CONV_F32_DW_TILE_INL_H_
#else
#define OCTET_KERNELS_CONV_F32_DW_TILE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "hwy/highway.h"
#include "kernels/conv_f32_dw_layout.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_f32_dw::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(DF());
// The most rows of a tile of 1, 2 and 3 vectors.
#if OCTET_IS_AVX3
constexpr size_t kTileRows[] = {16, 14, 9};  // 28 accumulators of 32 registers
#elif OCTET_IS_NEON
constexpr size_t kTileRows[] = {12, 12, 8};
#elif OCTET_IS_AVX2
constexpr size_t kTileRows[] = {8, 6, 4};  // 12 accumulators, 3 vectors, 1 broadcast
#elif OCTET_IS_SSE
constexpr size_t kTileRows[] = {8, 5, 3};  // one register more for the product
#else
constexpr size_t kTileRows[] = {4, 4, 2};
#endif

// Pixels whose operands follow each other in equal steps.
struct Run {
  const float* rows;
  const float* vectors;
  size_t count;
};

struct TileArgs {
  const Run* runs;
  size_t run_count;
  size_t row_offset;             // of the tile's first row from Run::rows
  size_t row_step, vector_step;  // between pixels
  const size_t* vector_offsets;  // of each vector from Run::vectors
  float* sums;                   // aligned to the vector
  size_t sums_step;              // between rows
};

template <int kRows, int kVectors>
HWY_NOINLINE void tile(const TileArgs& t) {
  const DF d;
  VF acc[kRows][kVectors];
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) acc[i][j] = hn::Zero(d);
  }
  const size_t row_step = t.row_step, vector_step = t.vector_step;
  for (const Run *run = t.runs, *end = run + t.run_count; run != end; ++run) {
    const float* HWY_RESTRICT a = run->rows + t.row_offset;
    const float* HWY_RESTRICT b[kVectors];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) b[j] = run->vectors + t.vector_offsets[j];
    for (size_t n = run->count; n > 0; --n) {
      VF v[kVectors];
      OCTET_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        v[j] = hn::LoadU(d, b[j]);
        b[j] += vector_step;
      }
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) {
        const VF row = hn::Set(d, a[i]);
        OCTET_UNROLL
        for (int j = 0; j < kVectors; ++j) {
          acc[i][j] = hn::MulAdd(row, v[j], acc[i][j]);
          OCTET_KEEP_IN_REGISTER(acc[i][j]);
        }
      }
      a += row_step;
    }
  }
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j)
      hn::Store(acc[i][j], d, t.sums + i * t.sums_step + j * kLanes);
  }
}

using TileFn = void (*)(const TileArgs&);

template <int kVectors, size_t... kMinusOne>
constexpr std::array<TileFn, sizeof...(kMinusOne)> tiles(std::index_sequence<kMinusOne...>) {
  return {&tile<static_cast<int>(kMinusOne) + 1, kVectors>...};
}

// The tiles of 1, 2, ... rows for some vectors.
struct TileRange {
  const TileFn* of_rows;  // at [rows - 1]
  size_t most_rows;
};

HWY_INLINE TileRange tiles_for(size_t vectors) {
  static constexpr auto k1 = tiles<1>(std::make_index_sequence<kTileRows[0]>());
  static constexpr auto k2 = tiles<2>(std::make_index_sequence<kTileRows[1]>());
  static constexpr auto k3 = tiles<3>(std::make_index_sequence<kTileRows[2]>());
  if (vectors == 1) return {k1.data(), k1.size()};
  if (vectors == 2) return {k2.data(), k2.size()};
  return {k3.data(), k3.size()};
}

// Threes, and twos where a single vector would be left.
HWY_INLINE size_t next_vectors(size_t left) { return left == 4 ? 2 : left < 3 ? left : 3; }

// `rows` neighbouring rows by all vectors: tiles of nearly equal height. Vectors inside, so that
// the rows' side, the larger one, is read from far away once.
inline void run_rows(TileArgs t, size_t rows, size_t vectors) {
  const size_t sums_step = t.sums_step;
  const size_t tallest = tiles_for(std::min<size_t>(vectors, 3)).most_rows;
  const size_t tiles = divide_up(rows, tallest);
  const size_t height = rows / tiles, higher = rows % tiles;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t m = height + (i < higher ? 1 : 0);
    TileArgs u = t;
    for (size_t left = vectors; left > 0;) {
      const size_t count = next_vectors(left);
      tiles_for(count).of_rows[m - 1](u);
      u.vector_offsets += count;
      u.sums += count * kLanes;
      left -= count;
    }
    t.row_offset += m;
    t.sums += m * sums_step;
  }
}

// Partial sums of one place in all chunks.
struct Chunks {
  const float* first;  // aligned to the vector
  size_t step, count;
};

// to[0, count): what all chunks have there, added in order. Four vectors at once, so that lines of
// many chunks are on their way together.
inline void add_chunks(const Chunks& chunks, size_t count, float* to) {
  const DF d;
  const float* from = chunks.first;
  size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    VF sums[4];
    OCTET_UNROLL
    for (size_t j = 0; j < 4; ++j) sums[j] = hn::Load(d, from + i + j * kLanes);
    for (size_t chunk = 1; chunk < chunks.count; ++chunk) {
      OCTET_UNROLL
      for (size_t j = 0; j < 4; ++j)
        sums[j] = hn::Add(sums[j], hn::Load(d, from + chunk * chunks.step + i + j * kLanes));
    }
    OCTET_UNROLL
    for (size_t j = 0; j < 4; ++j) hn::StoreU(sums[j], d, to + i + j * kLanes);
  }
  for (; i < count; i += kLanes) {
    VF sum = hn::Load(d, from + i);
    for (size_t chunk = 1; chunk < chunks.count; ++chunk)
      sum = hn::Add(sum, hn::Load(d, from + chunk * chunks.step + i));
    HWY_ALIGN float lanes[kLanes];
    hn::Store(sum, d, lanes);
    std::copy_n(lanes, std::min(kLanes, count - i), to + i);
  }
}

}  // namespace octet::kernels::conv_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
