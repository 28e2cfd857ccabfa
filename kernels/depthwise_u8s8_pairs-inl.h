// The 3x3 inner loop of depthwise_u8s8 where 16-bit pairs are multiplied (kDotParts is 2): see the
// "pairs" of depthwise_u8s8_layout.h. Nine taps fill five pairs, while the quads of
// depthwise_u8s8_tile-inl.h, three taps each, would take six; so a band is one output row.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_PAIRS_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_PAIRS_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_PAIRS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE

// Half a block of two inputs as pairs: channel for channel, first and second in 16 bits.
template <int kFirst>
HWY_INLINE void make_pairs(V8 first, V8 second, V32 pairs[2]) {
  const D8 d8;
  const V8 both =
      kFirst == 0 ? hn::InterleaveLower(d8, first, second) : hn::InterleaveUpper(d8, first, second);
  const V8 zero = hn::Zero(d8);
  pairs[0] = hn::BitCast(D32(), hn::InterleaveLower(d8, both, zero));
  pairs[1] = hn::BitCast(D32(), hn::InterleaveUpper(d8, both, zero));
}

// acc += the pairs' products with a vector of packed weights.
HWY_INLINE V32 add_pairs(V32 pairs, const int32_t* weights, V32 acc) {
  const D32 d32;
  const D16 d16;
  V32 unused = hn::Zero(d32);
  acc = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, pairs),
                                      hn::BitCast(d16, hn::LoadU(d32, weights)), acc, unused);
  OCTET_KEEP_IN_REGISTER(acc);
  return acc;
}

// Output columns [begin, end) of a row: half of each block, quads kFirst and kFirst + 1. The first
// half waits for the second as in pass_3x3. Registers hold what the next output column needs;
// weights are read where they are multiplied.
template <int kStride, int kPieces, int kFirst, class Output>
HWY_INLINE void pass_pairs(const Layer<Output>& layer, const StripData& strip,
                           const Band<typename Output::Y, 1, kPieces>& band, size_t begin,
                           size_t end, typename Output::Half* waiting) {
  const D32 d32;
  const DF df;
  // Copies, because stores to y might change what is only referred to.
  const Band<typename Output::Y, 1, kPieces> rows = band;
  const size_t channels = layer.channels;
  const size_t in_w = layer.in_w;
  // The upper two rows of a column as pairs, the lowest as bytes.
  const auto load = [&](size_t column, V32 upper[2], V8 & lowest) HWY_ATTR
      __attribute__((always_inline)) {
    if (HWY_LIKELY(column < in_w)) {
      const size_t offset = column * channels;
      make_pairs<kFirst>(load_bytes<kPieces>(rows.in[0], offset),
                         load_bytes<kPieces>(rows.in[1], offset), upper);
      lowest = load_bytes<kPieces>(rows.in[2], offset);
    } else {
      lowest = hn::BitCast(D8(), hn::Set(d32, layer.padding_quad));
      make_pairs<kFirst>(lowest, lowest, upper);
    }
  };
  // Left of the image columns wrap to values beyond in_w.
  size_t column = begin * kStride - layer.pad_left;
  V32 upper0[2], upper1[2], upper2[2], last_row[2], row[2];
  V8 lowest, next;
  load(column, upper0, lowest);
  if (kStride == 1) {
    load(column + 1, upper1, next);
    make_pairs<kFirst>(lowest, next, last_row);
    lowest = next;
  } else {
    make_pairs<kFirst>(lowest, lowest, last_row);  // of which the first is multiplied by zero
  }
  for (size_t ox = begin; ox < end; ++ox, column += kStride) {
    if (kStride == 2) load(column + 1, upper1, lowest);
    load(column + 2, upper2, next);
    make_pairs<kFirst>(lowest, next, row);
    lowest = next;
    V32 acc[2];
    VF multiplier[2];
    OCTET_UNROLL
    for (int j = 0; j < 2; ++j) {
      const int32_t* weights = strip.weights + (kFirst + j) * kWords;
      acc[j] = hn::LoadU(d32, strip.bias + (kFirst + j) * kWords);
      acc[j] = add_pairs(upper0[j], weights, acc[j]);
      acc[j] = add_pairs(upper1[j], weights + kLanes, acc[j]);
      acc[j] = add_pairs(last_row[j], weights + 3 * kLanes, acc[j]);
      acc[j] = add_pairs(upper2[j], weights + 2 * kLanes, acc[j]);
      acc[j] = add_pairs(row[j], weights + 4 * kLanes, acc[j]);
      multiplier[j] = hn::LoadU(df, strip.multiplier + (kFirst + j) * kWords);
    }
    const auto half = layer.output.half(acc, multiplier);
    if constexpr (!Output::kJoinsHalves) {
      layer.output.template store_half<kPieces, kFirst>(half, rows.out[0], ox * channels);
    } else if constexpr (kFirst == 0) {
      waiting[ox - begin] = half;
    } else {
      const auto first = waiting[ox - begin];
      layer.output.template store<kPieces>(first, half, rows.out[0], ox * channels);
    }
    OCTET_UNROLL
    for (int j = 0; j < 2; ++j) {
      upper0[j] = kStride == 1 ? upper1[j] : upper2[j];
      if (kStride == 1) upper1[j] = upper2[j];
      last_row[j] = row[j];
    }
  }
}

// All output columns of a row.
template <int kStride, int kPieces, class Output>
HWY_NOINLINE void band_pairs(const Layer<Output>& layer, const StripData& strip,
                             const Band<typename Output::Y, 1, kPieces>& band) {
  typename Output::Half waiting[kChunk];
  for (size_t begin = 0; begin < layer.out_w; begin += kChunk) {
    const size_t end = HWY_MIN(begin + kChunk, layer.out_w);
    pass_pairs<kStride, kPieces, 0>(layer, strip, band, begin, end, waiting);
    pass_pairs<kStride, kPieces, 2>(layer, strip, band, begin, end, waiting);
  }
}

#else

template <int kStride, int kPieces, class Output>
void band_pairs(const Layer<Output>&, const StripData&,
                const Band<typename Output::Y, 1, kPieces>&);  // never called

#endif

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
