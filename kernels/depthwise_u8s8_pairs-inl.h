// The 3x3 inner loop of depthwise_u8s8 where pairs are multiplied (kDotParts is 2): see the "pairs"
// of depthwise_u8s8_layout.h. Nine taps fill five pairs, while the quads of
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

// u8 x s8 products of byte pairs, summed. The caller's weights are such that 16 bits hold them.
HWY_INLINE hn::Vec<D16> mul_pairs(V8 pairs, V8 weights) {
#if OCTET_IS_AVX3
  return hn::Vec<D16>{_mm512_maddubs_epi16(pairs.raw, weights.raw)};
#elif OCTET_IS_AVX2
  return hn::Vec<D16>{_mm256_maddubs_epi16(pairs.raw, weights.raw)};
#else
  return hn::Vec<D16>{_mm_maddubs_epi16(pairs.raw, weights.raw)};
#endif
}

// Byte pairs of a block, in two vectors: a pair is 16 bits of the sums' order.
HWY_INLINE void make_pairs(V8 first, V8 second, V8 pairs[2]) {
  const D8 d8;
  pairs[0] = hn::InterleaveLower(d8, first, second);
  pairs[1] = hn::InterleaveUpper(d8, first, second);
}

// Output columns of a row. Registers hold what the next output column needs; weights are read where
// they are multiplied.
template <int kStride, int kPieces, class Output>
HWY_NOINLINE void band_pairs(const Layer<Output>& layer, const StripData& strip,
                             const Band<typename Output::Y, 1, kPieces>& band) {
  using V16 = hn::Vec<D16>;
  const D8 d8;
  const D16 d16;
  const D32 d32;
  const DF df;
  // Copies, because stores to y might change what is only referred to.
  const Band<typename Output::Y, 1, kPieces> rows = band;
  const StripData data = strip;
  const size_t channels = layer.channels, in_w = layer.in_w, out_w = layer.out_w;
  // The upper two rows of a column as pairs, the lowest as it is.
  const auto load = [&](size_t column, V8 upper[2], V8 & lowest) HWY_ATTR
      __attribute__((always_inline)) {
    if (HWY_LIKELY(column < in_w)) {
      const size_t offset = column * channels;
      make_pairs(load_bytes<kPieces>(rows.in[0], offset), load_bytes<kPieces>(rows.in[1], offset),
                 upper);
      lowest = load_bytes<kPieces>(rows.in[2], offset);
    } else {
      lowest = hn::BitCast(d8, hn::Set(d32, layer.padding_quad));
      make_pairs(lowest, lowest, upper);
    }
  };
  // Left of the image columns wrap to values beyond in_w.
  size_t column = size_t{0} - layer.pad_left;
  V8 upper0[2], upper1[2], upper2[2], last_row[2], row[2], lowest, next;
  load(column, upper0, lowest);
  if (kStride == 1) {
    load(column + 1, upper1, next);
    make_pairs(lowest, next, last_row);
    lowest = next;
  } else {
    make_pairs(lowest, lowest, last_row);  // of which the first is multiplied by zero
  }
  const V32 factors = hn::Set(d32, 1 | 16 << 16);
  for (size_t ox = 0; ox < out_w; ++ox, column += kStride) {
    if (kStride == 2) load(column + 1, upper1, lowest);
    load(column + 2, upper2, next);
    make_pairs(lowest, next, row);
    lowest = next;
    // Low digits, then high ones; upper and lower half of a block.
    V16 sums[2][2];
    OCTET_UNROLL
    for (int h = 0; h < 2; ++h) OCTET_UNROLL
    for (int digit = 0; digit < 2; ++digit) {
      const uint8_t* weights =
          reinterpret_cast<const uint8_t*>(data.weights + (digit * 2 + h) * kWords);
      V16 acc = mul_pairs(upper0[h], hn::LoadU(d8, weights));
      const auto add = [&](V8 pairs, int i) HWY_ATTR __attribute__((always_inline)) {
        acc = hn::Add(acc, mul_pairs(pairs, hn::LoadU(d8, weights + i * 4 * kLanes)));
        OCTET_KEEP_IN_REGISTER(acc);
      };
      add(upper1[h], 1);
      add(last_row[h], 3);
      add(upper2[h], 2);
      add(row[h], 4);
      sums[h][digit] = acc;
    }
    typename Output::Half half[2];
    OCTET_UNROLL
    for (int h = 0; h < 2; ++h) {
      const V16 mixed[2] = {hn::InterleaveLower(d16, sums[h][0], sums[h][1]),
                            hn::InterleaveUpper(d16, sums[h][0], sums[h][1])};
      V32 acc[2];
      VF multiplier[2];
      OCTET_UNROLL
      for (int k = 0; k < 2; ++k) {
        V32 unused = hn::Zero(d32);
        acc[k] =
            hn::ReorderWidenMulAccumulate(d32, mixed[k], hn::BitCast(d16, factors),
                                          hn::LoadU(d32, data.bias + (2 * h + k) * kWords), unused);
        multiplier[k] = hn::LoadU(df, data.multiplier + (2 * h + k) * kWords);
      }
      half[h] = layer.output.half(acc, multiplier);
    }
    layer.output.template store<kPieces>(half[0], half[1], rows.out[0], ox * channels);
    OCTET_UNROLL
    for (int h = 0; h < 2; ++h) {
      upper0[h] = kStride == 1 ? upper1[h] : upper2[h];
      if (kStride == 1) upper1[h] = upper2[h];
      last_row[h] = row[h];
    }
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
