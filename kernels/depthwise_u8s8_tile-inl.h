// The inner loops of depthwise_u8s8: see depthwise_u8s8_layout.h for the arrangement of the bytes,
// depthwise_u8s8_output-inl.h for the way from sums to output.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_TILE_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_output-inl.h"
#include "kernels/dot_parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

// One-lane targets: a vector of bytes is four of them.
struct Bytes {
  uint8_t at[4];
};

template <int kPieces>
HWY_INLINE Bytes load_bytes(const uint8_t* const* p, size_t offset) {
  static_assert(kPieces == 1);
  Bytes b;
  std::memcpy(b.at, p[0] + offset, 4);
  return b;
}

// Quads kFirst to kFirst + kQuads - 1 of the block.
template <int kFirst, int kQuads>
HWY_INLINE void make_quads(Bytes a, Bytes b, Bytes c, Bytes d, V32 q[kQuads]) {
  for (int i = 0; i < kQuads; ++i) {
    const int k = kFirst + i;
    const uint8_t bytes[4] = {a.at[k], b.at[k], c.at[k], d.at[k]};
    std::memcpy(&q[i].raw, bytes, 4);
  }
}

#else

using Bytes = V8;

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

// Quads kFirst to kFirst + kQuads - 1 of the block: all four, or one half.
template <int kFirst, int kQuads>
HWY_INLINE void make_quads(V8 a, V8 b, V8 c, V8 d, V32 q[kQuads]) {
  const D8 d8;
  const D32 d32;
  const hn::RebindToUnsigned<D16> d16;
  if constexpr (kFirst == 0) {
    const auto ab = hn::BitCast(d16, hn::InterleaveLower(d8, a, b));
    const auto cd = hn::BitCast(d16, hn::InterleaveLower(d8, c, d));
    q[0] = hn::BitCast(d32, hn::InterleaveLower(d16, ab, cd));
    q[1] = hn::BitCast(d32, hn::InterleaveUpper(d16, ab, cd));
  }
  if constexpr (kFirst + kQuads == 4) {
    const auto ab = hn::BitCast(d16, hn::InterleaveUpper(d8, a, b));
    const auto cd = hn::BitCast(d16, hn::InterleaveUpper(d8, c, d));
    q[kQuads - 2] = hn::BitCast(d32, hn::InterleaveLower(d16, ab, cd));
    q[kQuads - 1] = hn::BitCast(d32, hn::InterleaveUpper(d16, ab, cd));
  }
}

#endif

// What one layer's tiles share. Output: ToU8 or ToF32.
template <class Output>
struct Layer {
  size_t channels, in_w, out_w, pad_left;
  int32_t padding_quad;  // four zero points
  Output output;
};

// Weights, bias and multipliers of one strip, as packed.
struct StripData {
  const int32_t* weights;
  const int32_t* bias;
  const float* multiplier;
};

// The rows of a strip's bands, at the strip's first channel of column 0.
template <class Y, int kRows, int kPieces>
struct Band {
  static constexpr int kIn = kRows + 2;  // input rows of kRows output rows; one for stride 2
  const uint8_t* in[kIn][kPieces];
  Y* out[kRows][kPieces];
};

// Output columns between the passes of a band: the halves that wait take 4 KiB.
constexpr size_t kChunk = 32;

// The quads [kFirst, kFirst + kQuads) of the input column at `offset` of each row.
template <int kRows, int kPieces, int kFirst, int kQuads>
HWY_INLINE void load_column(const uint8_t* const (*in)[kPieces], size_t offset, V32 q[kQuads]) {
  const Bytes c = load_bytes<kPieces>(in[2], offset);
  // One row: the fourth byte meets zero weights.
  const Bytes d = kRows == 2 ? load_bytes<kPieces>(in[kRows + 1], offset) : c;
  make_quads<kFirst, kQuads>(load_bytes<kPieces>(in[0], offset), load_bytes<kPieces>(in[1], offset),
                             c, d, q);
}

// Computes output columns [begin, end) of a band: quads [kFirst, kFirst + kQuads) of each block.
// Weights stay in registers for the whole run, and so do the quads of a column until the last
// output column that sees it is done: a column is loaded and interleaved once.
// kRows = 2 would need 24 vectors of weights, so it goes in two passes of half a block each; the
// first leaves its halves in `waiting` (null when there is one pass, unused by f32).
template <Dot kDot, int kRows, int kStride, int kPieces, int kFirst, int kQuads, class Output>
HWY_INLINE void pass_3x3(const Layer<Output>& layer, const StripData& strip,
                         const Band<typename Output::Y, kRows, kPieces>& band, size_t begin,
                         size_t end, typename Output::Half* waiting) {
  const D32 d32;
  const DF df;
  // Copies, because stores to y might change what is only referred to.
  const Band<typename Output::Y, kRows, kPieces> rows = band;
  const size_t channels = layer.channels;
  const size_t in_w = layer.in_w;
  V32 weights[kRows * 3][kQuads];
  OCTET_UNROLL
  for (int i = 0; i < 3 * kRows; ++i) OCTET_UNROLL
  for (int j = 0; j < kQuads; ++j)
    weights[i][j] = hn::LoadU(d32, strip.weights + (i * 4 + kFirst + j) * kWords);
  // With four quads there is no register left for these.
  const V32 bias0 = hn::LoadU(d32, strip.bias + kFirst * kWords);
  const V32 bias1 = hn::LoadU(d32, strip.bias + (kFirst + 1) * kWords);
  const VF multiplier0 = hn::LoadU(df, strip.multiplier + kFirst * kWords);
  const VF multiplier1 = hn::LoadU(df, strip.multiplier + (kFirst + 1) * kWords);
  // Always inline: quads whose address goes to a function live on the stack.
  const auto load = [&](size_t column, V32 q[kQuads]) HWY_ATTR __attribute__((always_inline)) {
    if (HWY_LIKELY(column < in_w)) {
      load_column<kRows, kPieces, kFirst, kQuads>(rows.in, column * channels, q);
    } else {
      const V32 padding = hn::Set(D32(), layer.padding_quad);
      OCTET_UNROLL
      for (int j = 0; j < kQuads; ++j) q[j] = padding;
    }
    OCTET_UNROLL
    for (int j = 0; j < kQuads; ++j) q[j] = offset_u8<kDot>(q[j]);
  };
  // Left of the image columns wrap to values beyond in_w.
  size_t column = begin * kStride - layer.pad_left;
  V32 q0[kQuads], q1[kQuads], q2[kQuads];
  load(column, q0);
  if (kStride == 1) load(column + 1, q1);
  for (size_t ox = begin; ox < end; ++ox, column += kStride) {
    if (kStride == 2) load(column + 1, q1);
    load(column + 2, q2);
    OCTET_UNROLL
    for (int r = 0; r < kRows; ++r) {
      typename Output::Half half[2];
      OCTET_UNROLL
      for (int h = 0; h < kQuads / 2; ++h) {
        V32 acc[2];
        VF multiplier[2];
        OCTET_UNROLL
        for (int k = 0; k < 2; ++k) {
          const int j = h * 2 + k;
          acc[k] =
              kQuads == 2 ? k ? bias1 : bias0 : hn::LoadU(d32, strip.bias + (kFirst + j) * kWords);
          acc[k] = dot_offset<kDot>(q0[j], weights[r * 3][j], acc[k]);
          acc[k] = dot_offset<kDot>(q1[j], weights[r * 3 + 1][j], acc[k]);
          acc[k] = dot_offset<kDot>(q2[j], weights[r * 3 + 2][j], acc[k]);
          multiplier[k] = kQuads == 2 ? k ? multiplier1 : multiplier0
                                      : hn::LoadU(df, strip.multiplier + (kFirst + j) * kWords);
        }
        half[h] = layer.output.half(acc, multiplier);
      }
      const size_t offset = ox * channels;
      if constexpr (kQuads == 4) {
        layer.output.template store<kPieces>(half[0], half[1], rows.out[r], offset);
      } else if constexpr (!Output::kJoinsHalves) {
        layer.output.template store_half<kPieces, kFirst>(half[0], rows.out[r], offset);
      } else if constexpr (kFirst == 0) {
        waiting[(ox - begin) * kRows + r] = half[0];
      } else {
        const auto first = waiting[(ox - begin) * kRows + r];
        layer.output.template store<kPieces>(first, half[0], rows.out[r], offset);
      }
    }
    OCTET_UNROLL
    for (int j = 0; j < kQuads; ++j) {
      q0[j] = kStride == 1 ? q1[j] : q2[j];
      if (kStride == 1) q1[j] = q2[j];
    }
  }
}

// All output columns of a band.
template <Dot kDot, int kRows, int kStride, int kPieces, class Output>
HWY_NOINLINE void band_3x3(const Layer<Output>& layer, const StripData& strip,
                           const Band<typename Output::Y, kRows, kPieces>& band) {
  if constexpr (kRows == 1) {
    pass_3x3<kDot, kRows, kStride, kPieces, 0, 4>(layer, strip, band, 0, layer.out_w, nullptr);
  } else {
    typename Output::Half waiting[kChunk * kRows];
    for (size_t begin = 0; begin < layer.out_w; begin += kChunk) {
      const size_t end = HWY_MIN(begin + kChunk, layer.out_w);
      pass_3x3<kDot, kRows, kStride, kPieces, 0, 2>(layer, strip, band, begin, end, waiting);
      pass_3x3<kDot, kRows, kStride, kPieces, 2, 2>(layer, strip, band, begin, end, waiting);
    }
  }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
