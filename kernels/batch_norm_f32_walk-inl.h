// How batch_norm_f32 walks over [rows, channels]: tiles of channels, groups of rows, vectors.
#if defined(OCTET_KERNELS_BATCH_NORM_F32_WALK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_BATCH_NORM_F32_WALK_INL_H_
#undef OCTET_KERNELS_BATCH_NORM_F32_WALK_INL_H_
#else
#define OCTET_KERNELS_BATCH_NORM_F32_WALK_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::batch_norm_f32::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <size_t kRows>
using Rows = std::integral_constant<size_t, kRows>;

// step(d, c) for the vectors that cover channels [c, end): of up to kLanes lanes, narrower at the
// end.
template <size_t kLanes, class Step>
HWY_INLINE void for_channels(size_t c, size_t end, const Step& step) {
  const hn::CappedTag<float, kLanes> d;
  constexpr size_t kWidth = hn::MaxLanes(d);
  for (; c + kWidth <= end; c += kWidth) step(d, c);
  if constexpr (kWidth > 1) for_channels<(kWidth > 4 ? kWidth / 2 : 1)>(c, end, step);
}

struct Span {
  size_t begin, end;
};

// step(d, Rows, r, c) for groups of kRows rows and the channels, then for the rows left over.
template <size_t kRows, class Step>
HWY_INLINE void for_groups(Span rows, Span channels, const Step& step) {
  size_t r = rows.begin;
  for (; r + kRows <= rows.end; r += kRows)
    for_channels<16>(channels.begin, channels.end,
                     [&](auto d, size_t c) HWY_ATTR { step(d, Rows<kRows>(), r, c); });
  for (; r < rows.end; ++r)
    for_channels<16>(channels.begin, channels.end,
                     [&](auto d, size_t c) HWY_ATTR { step(d, Rows<1>(), r, c); });
}

// step(tile) for each tile of channels, few enough that four kinds of sums stay in L1.
template <class Step>
HWY_INLINE void for_tiles(size_t channels, const Step& step) {
  constexpr size_t kTile = 256;
  for (size_t c = 0; c < channels; c += kTile) step(Span{c, std::min(channels, c + kTile)});
}

}  // namespace octet::kernels::batch_norm_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
