// Register tiles down a panel: all pixels of a block times one panel of weights.
//
// Tile sizes. Each step of four bytes per row loads kVectors weight vectors and kRows broadcasts
// and does kRows * kVectors dots. The sums stay in registers, so kRows * kVectors + kVectors + 1
// must not exceed the register count; and two dots a cycle, each with a latency of four or five
// cycles, want ten independent sums. Two loads a cycle keep up with two dots a cycle as long as
// kRows + kVectors <= kRows * kVectors.
//   AVX-512 (32 registers of 16 lanes)  6x64, 8x48, 12x32, 16x16, 4x96 (rows x columns)
//   AVX2 (16 of 8)                      6x16, 8x8; without VNNI 4x16, as widening needs registers
//   SSE4 (16 of 4)                      4x8
//   NEON (32 of 4)                      6x16; without dotprod 4x16
// Smaller kRows exist where rows are few and to divide rows evenly (49 = 4 x 6 + 5 x 5).
//
// Overlap. On AVX-512 requantizing a vector costs as much as four dots, but mostly on other
// execution ports (conversions and packs do not compete with dots on Zen 5). Out-of-order
// execution does not see far enough to run the two side by side: the hundred operations that a
// scheduler holds are all of one kind at the end of a tile. So where K is small, tiles of half the
// registers are used, and the stores of one tile stand between the first dots of the next. Measured
// on Zen 5, 28x28 pixels: 64 -> 64 channels 80 % of peak before, 88 % after; 32 -> 32 62 %, 73 %.
#if defined(OCTET_KERNELS_IGEMM_U8S8_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_IGEMM_U8S8_PANEL_INL_H_
#undef OCTET_KERNELS_IGEMM_U8S8_PANEL_INL_H_
#else
#define OCTET_KERNELS_IGEMM_U8S8_PANEL_INL_H_
#endif

#include <algorithm>
#include <type_traits>

#include "hwy/highway.h"
#include "kernels/igemm_u8s8_store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {

// Tiles one below the other, from pixel `first` on.
template <class Y>
using TileFn = void (*)(const TileArgs<Y>& args, size_t first, size_t tiles);

template <class T, class Y>
HWY_NOINLINE void run_tiles(const TileArgs<Y>& args, size_t first, size_t tiles) {
  for (size_t n = 0; n < tiles; ++n, first += T::kPixels) {
    T tile;
    tile.init(args.panel);
    tile.finish(args, args.pixels + first, 0, args.panel + T::kHeader);
    tile.store(args, args.y + first * args.y_stride, args.pixel_count - first);
  }
}

template <class Y>
struct TileChoice {
  TileFn<Y> run;
  size_t pixels;
};

// f32 output serves batches and single rows: it has the lowest height, the highest, and 4 where
// that is far from both, which saves a third of its code. Without vectors only the lowest.
template <class Y>
constexpr bool has_height(int rows, int highest) {
  if (std::is_same_v<Y, uint8_t> || rows == 1) return true;
  return HWY_TARGET != HWY_SCALAR && (rows == highest || (rows == 4 && highest > 6));
}

// The lowest tile of at least `pixels` pixels, or the highest there is. kRows: ascending.
template <class Y, Dot kDot, int kVectors, bool kPaired, int... kRows>
TileChoice<Y> choose_among(size_t pixels) {
  constexpr int kHighest = std::max({kRows...});
  TileChoice<Y> choice{nullptr, 0};
  const auto consider = [&]<int kHeight>(std::integral_constant<int, kHeight>) {
    if constexpr (has_height<Y>(kHeight, kHighest))
      if (choice.pixels < pixels)
        choice = {&run_tiles<Tile<Sums<kDot, kHeight, kVectors, kPaired, kDotParts<kDot>>, Y>, Y>,
                  kHeight * (kPaired ? 2 : 1)};
  };
  (consider(std::integral_constant<int, kRows>()), ...);
  return choice;
}

#if OCTET_IS_AVX3
constexpr int kPanelVectors = 4;
constexpr bool kWholePanels = false;
template <class Y, Dot kDot>
TileChoice<Y> choose_tile(size_t vectors, bool paired, size_t pixels) {
  if constexpr (kDot == Dot::vnni) {
    if (paired) return choose_among<Y, kDot, 3, true, 1, 4, 8>(pixels);
    if (vectors == 6) return choose_among<Y, kDot, 6, false, 1, 4>(pixels);
    if (vectors == 4) return choose_among<Y, kDot, 4, false, 1, 2, 4, 5, 6>(pixels);
    if (vectors == 3) return choose_among<Y, kDot, 3, false, 1, 4, 7, 8>(pixels);
    if (vectors == 2) return choose_among<Y, kDot, 2, false, 1, 4, 8, 12>(pixels);
    return choose_among<Y, kDot, 1, false, 1, 4, 8, 16>(pixels);
  } else {
    if (paired) return choose_among<Y, kDot, 3, true, 1, 4>(pixels);
    if (vectors == 6) return choose_among<Y, kDot, 6, false, 1, 2>(pixels);
    if (vectors == 4) return choose_among<Y, kDot, 4, false, 1, 4>(pixels);
    if (vectors == 3) return choose_among<Y, kDot, 3, false, 1, 4>(pixels);
    if (vectors == 2) return choose_among<Y, kDot, 2, false, 1, 6>(pixels);
    return choose_among<Y, kDot, 1, false, 1, 8>(pixels);
  }
}
#else
#if OCTET_IS_AVX2 || OCTET_IS_SSE
constexpr int kPanelVectors = 2;
#else
constexpr int kPanelVectors = 4;
#endif
constexpr bool kWholePanels = !OCTET_IS_AVX2;
template <class Y, Dot kDot>
TileChoice<Y> choose_tile([[maybe_unused]] size_t vectors, bool, size_t pixels) {
#if OCTET_IS_AVX2
  if (vectors == 1) return choose_among<Y, kDot, 1, false, 1, 4, 8>(pixels);
#endif
#if OCTET_IS_NEON
  // Widened weights take registers.
  if constexpr (kDotParts<kDot> == 2)
    return choose_among<Y, kDot, kPanelVectors, false, 1, 2, 4>(pixels);
  return choose_among<Y, kDot, kPanelVectors, false, 1, 2, 4, 6>(pixels);
#elif HWY_TARGET == HWY_SCALAR
  return choose_among<Y, kDot, kPanelVectors, false, 1, 2>(pixels);
#else
  if constexpr (kDot == Dot::vnni)
    return choose_among<Y, kDot, kPanelVectors, false, 1, 2, 4, 6>(pixels);
  return choose_among<Y, kDot, kPanelVectors, false, 1, 2, 4>(pixels);
#endif
}
#endif

#if OCTET_IS_AVX3
// All pixels; needs a tile's worth of them, and a tap of kGroups quads or more. The last tile
// moves back over pixels already done rather than stand out.
template <class T>
HWY_NOINLINE void run_overlapped(const TileArgs<uint8_t>& shared) {
  const TileArgs<uint8_t> args = shared;
  const std::byte* weights = args.panel + T::kHeader;
  const size_t end = args.pixel_count - T::kPixels;
  T tile;
  tile.init(args.panel);
  tile.finish(args, args.pixels, 0, weights);
  size_t first = 0;
  while (first < end) {
    uint8_t* y = args.y + first * args.y_stride;
    T last;
    OCTET_UNROLL
    for (int i = 0; i < T::kRows; ++i) OCTET_UNROLL
    for (int j = 0; j < T::kVectors; ++j) last.acc[i][j] = tile.acc[i][j];
    first = std::min(first + T::kPixels, end);
    const uint8_t* const* pixels = args.pixels + first;
    const uint8_t* a[T::kPixels];
    OCTET_UNROLL
    for (int i = 0; i < T::kPixels; ++i) a[i] = pixels[i];
    tile.init(args.panel);
    OCTET_UNROLL
    for (int g = 0; g < T::kGroups; ++g) {
      tile.template step<false>(weights + g * T::kStep, a, g, 0);
      last.store_group(g, shared, y);
    }
    tile.finish(args, pixels, 1,
                tile.finish_tap(args, a, T::kGroups, weights + T::kGroups * T::kStep));
  }
  OCTET_UNROLL
  for (int g = 0; g < T::kGroups; ++g) tile.store_group(g, shared, args.y + first * args.y_stride);
}

template <Dot kDot, int kRows, int kVectors, bool kPaired>
bool try_overlapped(const TileArgs<uint8_t>& args) {
  using T = Tile<Sums<kDot, kRows, kVectors, kPaired, kDotParts<kDot>>, uint8_t>;
  const bool dense = args.y_stride == T::kColumns && args.columns == T::kColumns;
  if (args.pixel_count < T::kPixels || args.quads < T::kGroups || !(T::kGroupIsRow || dense))
    return false;
  run_overlapped<T>(args);
  return true;
}

// Half-size tiles read the weights twice as often, which pays as long as these stay in the first
// cache.
constexpr size_t kOverlapBytes = 24 << 10;

template <Dot kDot>
bool try_overlapped(const TileArgs<uint8_t>& args, size_t vectors, bool paired) {
  if constexpr (kDot == Dot::vnni) {
    if (args.taps * args.quads * vectors * 64 > kOverlapBytes) return false;
    if (paired) return try_overlapped<kDot, 4, 3, true>(args);
    if (vectors == 6) return try_overlapped<kDot, 2, 6, false>(args);
    if (vectors == 4) return try_overlapped<kDot, 3, 4, false>(args);
    if (vectors == 3) return try_overlapped<kDot, 4, 3, false>(args);
    if (vectors == 2) return try_overlapped<kDot, 6, 2, false>(args);
    return try_overlapped<kDot, 12, 1, false>(args);
  }
  return false;
}
#endif

// Calls f(tile, first pixel, tiles) for the tiles of a panel of `vectors` vectors. They are as
// equal as they can be, for a tile half empty costs as much as a full one.
template <Dot kDot, class Y, class F>
void for_each_height(size_t pixels, size_t vectors, bool paired, const F& f) {
  const size_t highest = choose_tile<Y, kDot>(vectors, paired, SIZE_MAX).pixels;
  for (size_t first = 0; first < pixels;) {
    const size_t rest = pixels - first;
    const size_t count = (rest + highest - 1) / highest;
    const size_t height = (rest + count - 1) / count;
    const TileChoice<Y> tile = choose_tile<Y, kDot>(vectors, paired, height);
    // Of `count` tiles, `lower` can be one pixel lower; where there is no tile for that, all are
    // alike.
    const size_t lower = count * height - rest;
    const bool exact = tile.pixels == height && lower < count;
    const size_t tiles = exact ? count - lower : (rest + tile.pixels - 1) / tile.pixels;
    f(tile, first, tiles);
    first += tiles * tile.pixels;
  }
}

// All pixels of args times one panel.
template <Dot kDot, class Y>
void run_panel(const TileArgs<Y>& args, size_t vectors, bool paired) {
#if OCTET_IS_AVX3
  if constexpr (std::is_same_v<Y, uint8_t>)
    if (try_overlapped<kDot>(args, vectors, paired)) return;
#endif
  for_each_height<kDot, Y>(
      args.pixel_count, vectors, paired,
      [&](const TileChoice<Y>& tile, size_t first, size_t tiles) { tile.run(args, first, tiles); });
}

// What that takes with steps of four bytes for each pixel, u8 output, as if nothing overlapped.
template <Dot kDot>
double panel_slots(size_t pixels, size_t steps, size_t vectors, bool paired) {
  double slots = 0;
  const double v = static_cast<double>(vectors);
  for_each_height<kDot, uint8_t>(
      pixels, vectors, paired, [&](const TileChoice<uint8_t>& tile, size_t, size_t tiles) {
        const double height = static_cast<double>(tile.pixels);
        const Instructions step = step_instructions<kDot>(height, v, kDotParts<kDot>, paired);
        const Instructions store = height / (paired ? 2 : 1) * v * kRequantize;
        slots += static_cast<double>(tiles) *
                 (static_cast<double>(steps) * step.slots() + store.slots());
      });
  return slots;
}

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
