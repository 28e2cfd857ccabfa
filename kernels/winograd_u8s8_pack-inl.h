// Fills the packed form that winograd_u8s8_layout.h draws.
#if defined(OCTET_KERNELS_WINOGRAD_U8S8_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_U8S8_PACK_INL_H_
#undef OCTET_KERNELS_WINOGRAD_U8S8_PACK_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_U8S8_PACK_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/pack-inl.h"
#include "kernels/winograd_u8s8_layout.h"
#include "kernels/winograd_u8s8_product-inl.h"
#include "kernels/winograd_u8s8_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE {

// Input channels that are packed together.
constexpr size_t kChunk = 8;

// The weights of output channel o, input channels [first, first + kChunk), zeros beyond the last.
template <class F>
HWY_NOINLINE void pack_chunk(const Params& params, size_t o, size_t first, int16_t* u) {
  const hn::CappedTag<int16_t, kChunk> d;
  const size_t in_c = params.geometry.in_c, count = std::min(kChunk, in_c - first);
  int8_t taps[9 * kChunk] = {};
  for (size_t k = 0; k < 9; ++k)
    std::memcpy(taps + k * kChunk, params.weight + (o * 9 + k) * in_c + first, count);
  for (size_t c = 0; c < kChunk; c += hn::Lanes(d))
    transform<typename F::Filter>(d, taps + c, 3 * kChunk, kChunk, u + c, kChunk);
}

using PackChunk = void (*)(const Params& params, size_t o, size_t first, int16_t* u);

inline HWY_NOINLINE void pack_panel(const Params& params, const Layout& l, PackChunk pack_chunk,
                                    size_t panel, std::byte* to) {
  const Conv2dGeometry& g = params.geometry;
  const size_t first = l.first_channel(panel), count = std::min(l.width, g.out_c - first);
  std::memset(to, 0, l.panel_bytes());
  auto* bias = reinterpret_cast<uint32_t*>(to);
  std::memcpy(to + 4 * l.width, params.multiplier + first, 4 * count);
  for (size_t i = 0; i < count; ++i) {
    const int8_t* w = params.weight + (first + i) * g.taps();
    int32_t sum = 0;
    for (size_t k = 0; k < g.taps(); ++k) sum += w[k];
    bias[i] = static_cast<uint32_t>(params.bias[first + i]) -
              static_cast<uint32_t>(params.x_zero_point) * static_cast<uint32_t>(sum);
  }
  const size_t step = l.positions() * kChunk;
  HWY_ALIGN int16_t u[kWidth * 36 * kChunk];
  std::byte* weights = to + l.header_bytes();
  for (size_t c = 0; c < g.in_c; c += kChunk) {
    for (size_t i = 0; i < count; ++i) pack_chunk(params, first + i, c, u + i * step);
    const size_t pairs = std::min(kChunk / 2, l.pairs - c / 2);
    for (size_t p = 0; p < l.positions(); ++p)
      transpose_words(u + p * kChunk, sizeof(int16_t) * step, count, pairs,
                      weights + p * l.position_bytes() + c / 2 * l.width * 4, l.width * 4);
  }
  order_pairs(l.positions() * l.pairs * kPanelVectors, reinterpret_cast<int16_t*>(weights));
}

}  // namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
