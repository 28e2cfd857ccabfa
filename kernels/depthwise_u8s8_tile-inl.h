// The inner loops of depthwise_u8s8: see depthwise_u8s8_layout.h for the arrangement of the bytes.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Bytes in a vector, and 32-bit words.
constexpr size_t kWords = hn::MaxLanes(D32());
constexpr size_t kLanes = 4 * kWords;

#if HWY_TARGET == HWY_SCALAR

// One-lane targets: a vector of bytes is four of them.
struct Bytes {
  uint8_t at[4];
};
using Range = OutputRange;

template <int kPieces>
HWY_INLINE Bytes load_bytes(const uint8_t* const* p, size_t offset) {
  static_assert(kPieces == 1);
  Bytes b;
  std::memcpy(b.at, p[0] + offset, 4);
  return b;
}

HWY_INLINE void make_quads(Bytes a, Bytes b, Bytes c, Bytes d, V32 q[4]) {
  for (int i = 0; i < 4; ++i) {
    const uint8_t bytes[4] = {a.at[i], b.at[i], c.at[i], d.at[i]};
    std::memcpy(&q[i].raw, bytes, 4);
  }
}

HWY_INLINE Bytes requantize_bytes(const V32 acc[4], const float* multiplier, const Range& range) {
  Bytes b;
  for (int i = 0; i < 4; ++i) b.at[i] = ref::requantize(acc[i].raw, multiplier[i], range);
  return b;
}

template <int kPieces>
HWY_INLINE void store_bytes(Bytes b, uint8_t* const* p, size_t offset) {
  std::memcpy(p[0] + offset, b.at, 4);
}

#else

using Bytes = V8;
using Range = RangeVectors;

// The same offset from each of kPieces pointers, side by side.
template <int kPieces>
HWY_INLINE V8 load_bytes(const uint8_t* const* p, size_t offset) {
  const D8 d8;
  if constexpr (kPieces == 1) {
    return hn::LoadU(d8, p[0] + offset);
  } else {
    const hn::Half<D8> dh;
    if constexpr (kPieces == 2) {
      return hn::Combine(d8, hn::LoadU(dh, p[1] + offset), hn::LoadU(dh, p[0] + offset));
    } else {
      static_assert(kPieces == 4);
      const hn::Half<decltype(dh)> dq;
      const auto lower =
          hn::Combine(dh, hn::LoadU(dq, p[1] + offset), hn::LoadU(dq, p[0] + offset));
      const auto upper =
          hn::Combine(dh, hn::LoadU(dq, p[3] + offset), hn::LoadU(dq, p[2] + offset));
      return hn::Combine(d8, upper, lower);
    }
  }
}

HWY_INLINE void make_quads(V8 a, V8 b, V8 c, V8 d, V32 q[4]) {
  const D8 d8;
  const D32 d32;
  const hn::RebindToUnsigned<D16> d16;
  const auto ab_lower = hn::BitCast(d16, hn::InterleaveLower(d8, a, b));
  const auto ab_upper = hn::BitCast(d16, hn::InterleaveUpper(d8, a, b));
  const auto cd_lower = hn::BitCast(d16, hn::InterleaveLower(d8, c, d));
  const auto cd_upper = hn::BitCast(d16, hn::InterleaveUpper(d8, c, d));
  q[0] = hn::BitCast(d32, hn::InterleaveLower(d16, ab_lower, cd_lower));
  q[1] = hn::BitCast(d32, hn::InterleaveUpper(d16, ab_lower, cd_lower));
  q[2] = hn::BitCast(d32, hn::InterleaveLower(d16, ab_upper, cd_upper));
  q[3] = hn::BitCast(d32, hn::InterleaveUpper(d16, ab_upper, cd_upper));
}

// The packs' order undoes that of make_quads.
HWY_INLINE V8 requantize_bytes(const V32 acc[4], const float* multiplier, const Range& range) {
  const DF df;
  return pack_u8_blocks(scale_s32(acc[0], hn::LoadU(df, multiplier)),
                        scale_s32(acc[1], hn::LoadU(df, multiplier + kWords)),
                        scale_s32(acc[2], hn::LoadU(df, multiplier + 2 * kWords)),
                        scale_s32(acc[3], hn::LoadU(df, multiplier + 3 * kWords)), range);
}

template <int kPieces>
HWY_INLINE void store_bytes(V8 b, uint8_t* const* p, size_t offset) {
  const D8 d8;
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

#endif

// What one layer's tiles share.
struct Layer {
  size_t channels, in_w, out_w, pad_left;
  int32_t padding_quad;  // four zero points
  Range range;
};

// Weights, bias and multipliers of one strip, as packed.
struct StripData {
  const int32_t* weights;
  const int32_t* bias;
  const float* multiplier;
};

// The rows of a strip's bands, at the strip's first channel of column 0.
template <int kRows, int kPieces>
struct Band {
  static constexpr int kIn = kRows + 2;  // input rows of kRows output rows; one for stride 2
  const uint8_t* in[kIn][kPieces];
  uint8_t* out[kRows][kPieces];
};

// acc += the quads of one input column, for every output column of the tile that sees it.
template <Dot kDot, int kRows, int kColumns, int kStride>
HWY_INLINE void multiply_column(int column, const V32 q[4], const int32_t* weights,
                                V32 acc[kColumns][kRows][4]) {
  const D32 d32;
  OCTET_UNROLL
  for (int o = 0; o < kColumns; ++o) {
    const int kx = column - o * kStride;
    if (kx < 0 || kx > 2) continue;
    OCTET_UNROLL
    for (int r = 0; r < kRows; ++r) OCTET_UNROLL
    for (int j = 0; j < 4; ++j) {
      const V32 w = hn::LoadU(d32, weights + ((r * 3 + kx) * 4 + j) * kWords);
      acc[o][r][j] = dot_quad<kDot>(q[j], w, acc[o][r][j]);
    }
  }
}

// Output columns [ox, ox + kColumns) of a band. kEdge: some input columns may be outside the image.
template <Dot kDot, int kRows, int kColumns, int kStride, int kPieces, bool kEdge>
HWY_INLINE void tile_3x3(const Layer& layer, const StripData& strip,
                         const Band<kRows, kPieces>& band, size_t ox) {
  const D32 d32;
  V32 acc[kColumns][kRows][4];
  OCTET_UNROLL
  for (int j = 0; j < 4; ++j) {
    const V32 bias = hn::LoadU(d32, strip.bias + j * kWords);
    OCTET_UNROLL
    for (int o = 0; o < kColumns; ++o) OCTET_UNROLL
    for (int r = 0; r < kRows; ++r) acc[o][r][j] = bias;
  }
  // Left of the image this wraps to values beyond in_w.
  const size_t first = ox * kStride - layer.pad_left;
  constexpr int kInColumns = (kColumns - 1) * kStride + 3;
  OCTET_UNROLL
  for (int column = 0; column < kInColumns; ++column) {
    V32 q[4];
    if (kEdge && first + column >= layer.in_w) {
      for (V32& v : q) v = hn::Set(d32, layer.padding_quad);
    } else {
      const size_t offset = (first + column) * layer.channels;
      const Bytes c = load_bytes<kPieces>(band.in[2], offset);
      // Under stride 2 the fourth byte meets zero weights.
      make_quads(load_bytes<kPieces>(band.in[0], offset), load_bytes<kPieces>(band.in[1], offset),
                 c, kRows == 2 ? load_bytes<kPieces>(band.in[kRows + 1], offset) : c, q);
    }
    multiply_column<kDot, kRows, kColumns, kStride>(column, q, strip.weights, acc);
  }
  OCTET_UNROLL
  for (int o = 0; o < kColumns; ++o) OCTET_UNROLL
  for (int r = 0; r < kRows; ++r)
    store_bytes<kPieces>(requantize_bytes(acc[o][r], strip.multiplier, layer.range), band.out[r],
                         (ox + o) * layer.channels);
}

// All output columns of a band.
template <Dot kDot, int kRows, int kColumns, int kStride, int kPieces>
HWY_NOINLINE void band_3x3(const Layer& layer, const StripData& strip,
                           const Band<kRows, kPieces>& band) {
  constexpr size_t kInColumns = (kColumns - 1) * kStride + 3;
  size_t ox = 0;
  for (; ox + kColumns <= layer.out_w; ox += kColumns) {
    const size_t first = ox * kStride;
    if (first < layer.pad_left || first - layer.pad_left + kInColumns > layer.in_w) {
      tile_3x3<kDot, kRows, kColumns, kStride, kPieces, true>(layer, strip, band, ox);
    } else {
      tile_3x3<kDot, kRows, kColumns, kStride, kPieces, false>(layer, strip, band, ox);
    }
  }
  for (; ox < layer.out_w; ++ox)
    tile_3x3<kDot, kRows, 1, kStride, kPieces, true>(layer, strip, band, ox);
}

// One block of channels of one output pixel, any kernel: taps are pointers to the block's first
// channel at each tap, a multiple of four of them.
template <Dot kDot>
HWY_INLINE Bytes pixel_block(const uint8_t* const* taps, size_t groups, size_t channel,
                             const StripData& strip, const Range& range) {
  const D32 d32;
  V32 acc[4];
  for (int j = 0; j < 4; ++j) acc[j] = hn::LoadU(d32, strip.bias + j * kWords);
  for (size_t i = 0; i < groups; ++i) {
    const uint8_t* const* t = taps + 4 * i;
    V32 q[4];
    make_quads(load_bytes<1>(t, channel), load_bytes<1>(t + 1, channel),
               load_bytes<1>(t + 2, channel), load_bytes<1>(t + 3, channel), q);
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j)
      acc[j] = dot_quad<kDot>(q[j], hn::LoadU(d32, strip.weights + (i * 4 + j) * kWords), acc[j]);
  }
  return requantize_bytes(acc, strip.multiplier, range);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
