// The register tile of winograd_u8s8: some rows of U, s16, times the weights of a panel and a
// position, to M.
//
// x86: a lane multiplies two channels at once and adds both products (vpmaddwd; with VNNI also to
// the sum, vpdpwssd): a pair of x in all lanes by the pairs of as many columns. Two vectors of
// columns and six rows leave four registers of 16 for the weights, the pair and a product.
// Arm: smlal multiplies a vector of one channel, two vectors of columns, by one lane. Therefore the
// weights of a pair are those of its first channel, then of its second, in every two vectors.
#if defined(OCTET_KERNELS_WINOGRAD_U8S8_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_U8S8_PRODUCT_INL_H_
#undef OCTET_KERNELS_WINOGRAD_U8S8_PRODUCT_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_U8S8_PRODUCT_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(D32());
#if OCTET_IS_NEON
constexpr int kPanelVectors = 4;
#else
constexpr int kPanelVectors = 2;  // even
#endif
constexpr int kMostRows = 6;
constexpr size_t kWidth = kPanelVectors * kLanes;

struct Product {
  const int16_t* u;  // row 0
  size_t u_step;     // elements from row to row
  const int16_t* weights;
  size_t pairs;
  int32_t* m;  // [rows][kWidth]
};

// Weights of the position that is next: they are prefetched by as many bytes for each pair as make
// all of them when all register tiles have passed. (The processor does not see so far ahead: where
// the weights leave L2, this makes the layer almost twice as fast.)
struct Ahead {
  const std::byte* at;
  size_t step;
};

#if OCTET_IS_NEON
// acc += x (two channels in each lane) * the weights b of both, of two vectors of columns.
template <Dot>
HWY_INLINE void multiply_pair(V32 x, const V32* b, V32* acc) {
  const int16x4_t pair = vget_low_s16(vreinterpretq_s16_s32(x.raw));
  const int16x8_t first = vreinterpretq_s16_s32(b[0].raw);
  const int16x8_t second = vreinterpretq_s16_s32(b[1].raw);
  int32x4_t lower = acc[0].raw, upper = acc[1].raw;
  lower = vmlal_lane_s16(lower, vget_low_s16(first), pair, 0);
  upper = vmlal_high_lane_s16(upper, first, pair, 0);
  acc[0] = V32(vmlal_lane_s16(lower, vget_low_s16(second), pair, 1));
  acc[1] = V32(vmlal_high_lane_s16(upper, second, pair, 1));
}
#elif OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
template <Dot kDot>
HWY_INLINE void multiply_pair(V32 x, const V32* b, V32* acc) {
  OCTET_UNROLL
  for (int j = 0; j < 2; ++j) acc[j] = dot_pair<kDot>(x, b[j], acc[j]);
}
#else
// One lane at a time, for targets without vectors.
template <Dot>
HWY_INLINE void multiply_pair(V32 x, const V32* b, V32* acc) {
  const D32 d;
  HWY_ALIGN int16_t xs[2 * kLanes], bs[2 * kLanes];
  HWY_ALIGN int32_t sums[kLanes];
  hn::Store(x, d, reinterpret_cast<int32_t*>(xs));
  for (int j = 0; j < 2; ++j) {
    hn::Store(b[j], d, reinterpret_cast<int32_t*>(bs));
    hn::Store(acc[j], d, sums);
    for (size_t i = 0; i < 2 * kLanes; ++i)
      sums[i / 2] = static_cast<int32_t>(static_cast<uint32_t>(sums[i / 2]) +
                                         static_cast<uint32_t>(int32_t{xs[i]} * bs[i]));
    acc[j] = hn::Load(d, sums);
  }
}
#endif

// Brings packed pairs, by column, into the order of multiply_pair.
inline void order_pairs([[maybe_unused]] size_t vectors, [[maybe_unused]] int16_t* weights) {
#if OCTET_IS_NEON
  const hn::Full128<int16_t> d;
  for (size_t i = 0; i < vectors; i += 2, weights += 16) {
    const auto lower = hn::Load(d, weights), upper = hn::Load(d, weights + 8);
    hn::Store(hn::ConcatEven(d, upper, lower), d, weights);
    hn::Store(hn::ConcatOdd(d, upper, lower), d, weights + 8);
  }
#endif
}

template <Dot kDot, int kRows>
HWY_INLINE void multiply_tile(const Product& p, const int16_t* u, int32_t* m, Ahead ahead) {
  const D32 d;
  V32 acc[kRows][kPanelVectors];
  const int16_t* rows[kRows];
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) {
    rows[i] = u + i * p.u_step;
    OCTET_UNROLL
    for (int j = 0; j < kPanelVectors; ++j) acc[i][j] = hn::Zero(d);
  }
  const auto* weights = reinterpret_cast<const int32_t*>(p.weights);
  for (size_t k = 0; k < p.pairs; ++k, weights += kWidth, ahead.at += ahead.step) {
    hwy::Prefetch(ahead.at);
    V32 b[kPanelVectors];
    OCTET_UNROLL
    for (int j = 0; j < kPanelVectors; ++j) {
      b[j] = hn::LoadU(d, weights + j * kLanes);
      OCTET_KEEP_IN_REGISTER(b[j]);  // else GCC loads it again for every row
    }
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      std::memcpy(&pair, rows[i] + 2 * k, sizeof(pair));
      const V32 x = hn::Set(d, pair);
      OCTET_UNROLL
      for (int j = 0; j < kPanelVectors; j += 2) {
        multiply_pair<kDot>(x, b + j, acc[i] + j);
        OCTET_KEEP_IN_REGISTER(acc[i][j]);
        OCTET_KEEP_IN_REGISTER(acc[i][j + 1]);
      }
    }
  }
  OCTET_UNROLL
  for (int i = 0; i < kRows; ++i) OCTET_UNROLL
  for (int j = 0; j < kPanelVectors; ++j) hn::Store(acc[i][j], d, m + i * kWidth + j * kLanes);
}

// `count` register tiles of kRows rows, one below the other.
template <Dot kDot, int kRows>
HWY_NOINLINE void multiply_tiles(const Product& p, size_t count, Ahead ahead) {
  const int16_t* u = p.u;
  int32_t* m = p.m;
  for (; count > 0; --count) {
    multiply_tile<kDot, kRows>(p, u, m, ahead);
    u += kRows * p.u_step;
    m += kRows * kWidth;
    ahead.at += p.pairs * ahead.step;
  }
}

// The same for a height of 1 to kMostRows.
template <Dot kDot>
void multiply_tiles(const Product& p, size_t height, size_t count, Ahead ahead) {
  switch (height) {
    case 1:
      return multiply_tiles<kDot, 1>(p, count, ahead);
    case 2:
      return multiply_tiles<kDot, 2>(p, count, ahead);
    case 3:
      return multiply_tiles<kDot, 3>(p, count, ahead);
    case 4:
      return multiply_tiles<kDot, 4>(p, count, ahead);
    case 5:
      return multiply_tiles<kDot, 5>(p, count, ahead);
    default:
      return multiply_tiles<kDot, 6>(p, count, ahead);
  }
}

// `rows` rows, in register tiles of nearly equal height.
template <Dot kDot>
void multiply(Product p, size_t rows) {
  const size_t count = (rows + kMostRows - 1) / kMostRows;
  const size_t height = rows / count, higher = rows % count;
  constexpr size_t kPairBytes = kWidth * 2 * sizeof(int16_t);
  Ahead ahead{reinterpret_cast<const std::byte*>(p.weights) + p.pairs * kPairBytes,
              (kPairBytes + count - 1) / count};
  multiply_tiles<kDot>(p, height + 1, higher, ahead);
  p.u += higher * (height + 1) * p.u_step;
  p.m += higher * (height + 1) * kWidth;
  ahead.at += higher * p.pairs * ahead.step;
  multiply_tiles<kDot>(p, height, count - higher, ahead);
}

// What multiply() takes.
template <Dot kDot>
double multiply_slots(size_t rows, size_t pairs) {
  const double tiles = static_cast<double>(divide_up(rows, kMostRows)),
               all = static_cast<double>(rows);
  // For each pair a word of every row, and, for each register tile, its weights and a prefetch.
  const Instructions pair = all * kPanelVectors * kPairInstructions<kDot> + all * kBroadcast +
                            Instructions{.loads = tiles * (kPanelVectors + 1)};
  const Instructions stores{.loads = all * kPanelVectors};
  return (static_cast<double>(pairs) * pair + stores).slots();
}

// multiply() for the current target.
using Multiply = void (*)(Product, size_t);
inline Multiply choose_multiply() {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2
  if (current_target().dot == Dot::vnni) return multiply<Dot::vnni>;
#endif
  return multiply<Dot::portable>;
}

}  // namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
