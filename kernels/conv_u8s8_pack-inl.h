// Fills the packed form that conv_u8s8_pack.h draws.
#if defined(OCTET_KERNELS_CONV_U8S8_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CONV_U8S8_PACK_INL_H_
#undef OCTET_KERNELS_CONV_U8S8_PACK_INL_H_
#else
#define OCTET_KERNELS_CONV_U8S8_PACK_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/conv_u8s8_pack.h"
#include "kernels/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

// Output channels [first, first + count) to the columns from `column` on of a panel of `width`.
void pack_columns(const Params& params, const Layout& layout, size_t first, size_t count,
                  size_t column, size_t width, std::byte* panel) {
  std::memcpy(panel + 4 * column, params.bias + first, 4 * count);
  std::memcpy(panel + 4 * (width + column), params.multiplier + first, 4 * count);
  const size_t row_bytes = layout.taps * layout.tap_bytes;
  const int8_t* w = params.weight + first * row_bytes;
  std::byte* quads = panel + 8 * width + 4 * column;
  const size_t tail = layout.tap_bytes % 4;
  if (tail == 0)  // taps follow each other without gaps, packed or not
    return transpose_words(w, row_bytes, count, layout.taps * layout.quads, quads, 4 * width);
  for (size_t t = 0; t < layout.taps; ++t, w += layout.tap_bytes) {
    transpose_words(w, row_bytes, count, layout.quads - 1, quads, 4 * width);
    quads += (layout.quads - 1) * 4 * width;
    for (size_t c = 0; c < count; ++c) {
      std::byte last[4] = {};
      std::memcpy(last, w + c * row_bytes + layout.tap_bytes - tail, tail);
      std::memcpy(quads + 4 * c, last, 4);
    }
    quads += 4 * width;
  }
}

void pack_panel(const Params& params, const Layout& layout, size_t group, size_t p,
                std::byte* panel) {
  const size_t width = layout.panel_vectors(p) * layout.lanes;
  const size_t first = layout.first_vector(p) * layout.lanes;
  const size_t group_first = group * layout.columns;
  if (layout.paired) {
    pack_columns(params, layout, group_first, layout.columns, 0, width, panel);
    pack_columns(params, layout, group_first, layout.columns, layout.columns, width, panel);
  } else {
    const size_t count = std::min(width, layout.columns - first);
    if (count < width) std::memset(panel, 0, layout.panel_vectors(p) * layout.vector_bytes());
    pack_columns(params, layout, group_first + first, count, 0, width, panel);
  }
  with_dot([&](auto dot) {
    constexpr Dot kDot = decltype(dot)::value;
    const size_t quads = layout.taps * layout.quads;
    const int32_t offset = kDotParts<kDot> == 1 ? kInputOffset<kDot> : 0;
    fold_zero_point<kDot>(params.x_zero_point - offset, panel + 8 * width, quads, width, panel);
    split_quads<kDot>(quads * width / layout.lanes, panel + 8 * width);
  });
}

// Panels [begin, end), counted over all groups.
void pack_panels(const Params& params, const Layout& layout, void* packed, size_t begin,
                 size_t end) {
  if (begin == 0) std::memset(packed, params.x_zero_point, layout.padding_row_bytes());
  for (size_t i = begin; i < end; ++i) {
    const size_t group = i / layout.panels, p = i % layout.panels;
    pack_panel(params, layout, group, p, const_cast<std::byte*>(layout.panel(packed, group, p)));
  }
}

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
