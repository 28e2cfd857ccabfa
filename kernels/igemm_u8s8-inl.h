// The register tile of conv_u8s8: the sums of a few rows of gathered u8 input times one packed
// panel of s8 weights. The panel's layout is drawn in conv_u8s8_pack.h; how sums become output
// stands in igemm_u8s8_store-inl.h. Which sizes a target uses, and why, says
// igemm_u8s8_panel-inl.h.
#if defined(OCTET_KERNELS_IGEMM_U8S8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_IGEMM_U8S8_INL_H_
#undef OCTET_KERNELS_IGEMM_U8S8_INL_H_
#else
#define OCTET_KERNELS_IGEMM_U8S8_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_parts-inl.h"
#include "kernels/requantize.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
constexpr size_t kTileLanes = 1;
#else
constexpr size_t kTileLanes = HWY_MAX_BYTES / 4;
#endif

// Everything about a block of rows times a panel. Y: of the output, uint8_t or float.
template <class Y>
struct TileArgs {
  const uint8_t* const* pixels;  // [taps][pixel_stride]: where each pixel's bytes of a tap lie
  size_t pixel_stride;
  size_t pixel_count;  // pointers beyond, up to a tile's rows, are valid, their results dropped
  size_t taps;
  size_t quads;  // whole quads of a tap
  size_t tail;   // bytes of a tap after them, 0..3; if not 0, quads is not 0
  const std::byte* panel;
  Y* y;               // pixel 0, first column of the panel
  size_t y_stride;    // elements from pixel to pixel
  size_t columns;     // columns of the panel that exist
  OutputRange range;  // of u8
};

// Four bytes of a pixel in all lanes, or in the first where that does.
template <bool kFirst>
HWY_INLINE V32 broadcast_quad(const uint8_t* p) {
#if OCTET_IS_NEON
  if constexpr (kFirst) return load_first(p);
#endif
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

// What a step of four bytes for each pixel takes in a tile of that many vectors per row.
template <Dot kDot>
Instructions step_instructions(double pixels, double vectors, double parts, bool paired) {
  const double rows = paired ? pixels / 2 : pixels;
  const Instructions weights{.loads = vectors * parts, .others = paired ? rows : 0};
  return weights + rows * vectors * kDotInstructions<kDot> +
         pixels * (kBroadcast + kSplitInstructions<kDot>);
}

// A row of a paired tile has two pixels. Weights are packed as kParts vectors for one, 1 or
// kDotParts.
template <Dot kDot, int kRows_, int kVectors_, bool kPaired_, int kParts = 1>
struct Sums {
  static constexpr int kRows = kRows_, kVectors = kVectors_;
  static constexpr bool kPaired = kPaired_;
  static constexpr bool kFirst = kHasDotFirst<kDot> || (OCTET_IS_NEON && kParts == 2);
  static constexpr int kPixels = kRows * (kPaired ? 2 : 1);
  static constexpr size_t kColumns = kVectors * kTileLanes / (kPaired ? 2 : 1);
  static constexpr size_t kHeader = 2 * kVectors * kTileLanes * 4;     // bias and multipliers
  static constexpr size_t kStep = kParts * kVectors * kTileLanes * 4;  // of a panel per quad
  V32 acc[kRows][kVectors];

  HWY_INLINE Sums() {}  // GCC would build the implicit one without the target's instructions

  HWY_INLINE void init(const std::byte* panel) {
    const D32 d;
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const V32 bias = hn::LoadU(d, reinterpret_cast<const int32_t*>(panel) + j * kTileLanes);
      OCTET_UNROLL
      for (int i = 0; i < kRows; ++i) acc[i][j] = bias;
    }
  }

  // Quad k of every row; kTail: the last, of `tail` bytes. a: where the tap's bytes lie.
  template <bool kTail>
  HWY_INLINE void step(const std::byte* weights, const uint8_t* const* a, size_t k, size_t tail) {
    const D32 d;
    V32 b[kVectors][kParts];
    OCTET_UNROLL
    for (int j = 0; j < kVectors; ++j) OCTET_UNROLL
    for (int p = 0; p < kParts; ++p) {
      V32 loaded =
          hn::LoadU(d, reinterpret_cast<const int32_t*>(weights) + (j * kParts + p) * kTileLanes);
      OCTET_KEEP_IN_REGISTER(loaded);  // else GCC loads it again for every row
      b[j][p] = loaded;
    }
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      if constexpr (kPaired) {
#if OCTET_IS_AVX3
        static_assert(kVectors == 3);
        const V32 left = quad<kTail>(a[2 * i], k, tail);
        V32 right = quad<kTail>(a[2 * i + 1], k, tail);
        OCTET_KEEP_IN_REGISTER(right);  // else it is loaded twice, the second time under the mask
        const V32 both{_mm512_mask_blend_epi32(0xFF00, left.raw, right.raw)};
        acc[i][0] = dot(split(left), b[0], acc[i][0]);
        acc[i][1] = dot(split(both), b[1], acc[i][1]);
        acc[i][2] = dot(split(right), b[2], acc[i][2]);
#endif
      } else {
        const Row row = split(quad<kTail>(a[i], k, tail));
        OCTET_UNROLL
        for (int j = 0; j < kVectors; ++j) acc[i][j] = dot(row, b[j], acc[i][j]);
      }
    }
  }
  // A row's quad in the form of the weights.
  struct Row {
    V32 parts[kParts];

    HWY_INLINE Row() {}
  };
  static HWY_INLINE Row split(V32 quad) {
    Row row;
    if constexpr (kParts == 1)
      row.parts[0] = offset_u8<kDot>(quad);
    else
      split_u8<kDot>(quad, row.parts);
    return row;
  }
  static HWY_INLINE V32 dot(const Row& row, const V32 b[kParts], V32 sum) {
#if OCTET_IS_NEON
    if constexpr (kHasDotFirst<kDot>) return dot_first<kDot>(row.parts[0], b[0], sum);
#endif
    if constexpr (kParts == 1)
      return dot_offset<kDot>(row.parts[0], b[0], sum);
    else
      return dot_parts<kDot>(row.parts, b, sum);
  }
  template <bool kTail>
  static HWY_INLINE V32 quad(const uint8_t* a, size_t k, size_t tail) {
    return kTail ? broadcast_tail(a + 4 * k + tail, tail) : broadcast_quad<kFirst>(a + 4 * k);
  }

  // Quads k and later of one tap.
  template <class Y>
  HWY_INLINE const std::byte* finish_tap(const TileArgs<Y>& args, const uint8_t* const* a, size_t k,
                                         const std::byte* weights) {
    for (; k < args.quads; ++k, weights += kStep) step<false>(weights, a, k, 0);
    if (HWY_UNLIKELY(args.tail != 0)) {
      step<true>(weights, a, k, args.tail);
      weights += kStep;
    }
    return weights;
  }

  // Taps from `tap` on.
  template <class Y>
  HWY_INLINE void finish(const TileArgs<Y>& args, const uint8_t* const* pixels, size_t tap,
                         const std::byte* weights) {
    for (pixels += tap * args.pixel_stride; tap < args.taps; ++tap, pixels += args.pixel_stride) {
      const uint8_t* a[kPixels];
      OCTET_UNROLL
      for (int i = 0; i < kPixels; ++i) a[i] = pixels[i];
      weights = finish_tap(args, a, 0, weights);
    }
  }
};

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
