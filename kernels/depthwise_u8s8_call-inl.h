// What a call of depthwise_u8s8 works with: the layout of the current target, working memory and
// the packed strips.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_CALL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_CALL_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_CALL_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_CALL_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_layout.h"
#include "kernels/depthwise_u8s8_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

using depthwise_u8s8::Layout;
using depthwise_u8s8::Params;
using depthwise_u8s8::Path;
using depthwise_u8s8::Strip;
using depthwise_u8s8::WidenedColumns;

// Pieces of less than a 128-bit block would mix channels in make_quads.
constexpr size_t kMostPieces = kLanes <= 16 ? 1 : kLanes / 16;

Layout make_layout(const Conv2dGeometry& g) {
  const bool pairs = with_dot([](auto dot) { return OCTET_HAS_PAIRS(decltype(dot)::value); });
  return Layout(g, kLanes, kMostPieces, pairs, OCTET_HAS_WIDENED);
}

// Working memory of run. 3x3: a row of zero points, then a row for output (of either type) that
// nobody wants.
// Widened: a row of zero points, then the pairs of rows under a band.
// General: zero points for one pixel, then tap pointers and offsets, then copies of taps near the
// end of x.
struct Workspace {
  size_t second, third, bytes;

  Workspace(const Layout& layout, const Conv2dGeometry& g) {
    if (layout.path == Path::general) {
      const size_t taps = layout.groups * 4;
      second = align_up(g.in_c + layout.lanes);
      third = second + align_up(taps * (sizeof(const uint8_t*) + sizeof(size_t)));
      bytes = third + taps * layout.lanes;
    } else if (layout.path == Path::widened) {
      second = align_up(g.in_w * g.in_c);
      third = bytes = second + layout.row_pairs * WidenedColumns(g).all * 4 * layout.lanes;
    } else {
      second = align_up(g.in_w * g.in_c);
      third = bytes = second + align_up(g.out_w * g.in_c * sizeof(float));
    }
  }
};

// What a call of run knows of the input.
struct Input {
  const Params& params;
  const Layout layout;
  const std::byte* packed;
  const uint8_t* x;
  uint8_t* zero_points;  // Workspace's first part
  std::byte* workspace;

  Input(const Params& p, const void* packed_, const uint8_t* x_, void* workspace_)
      : params(p),
        layout(make_layout(p.geometry)),
        packed(static_cast<const std::byte*>(packed_)),
        x(x_),
        zero_points(static_cast<uint8_t*>(workspace_)),
        workspace(static_cast<std::byte*>(workspace_)) {
    std::memset(workspace_, p.x_zero_point, Workspace(layout, p.geometry).second);
  }

  StripData strip_data(size_t index) const {
    const std::byte* p = packed + index * layout.strip_bytes();
    const std::byte* bias = p + layout.weight_bytes();
    return {reinterpret_cast<const int32_t*>(p), reinterpret_cast<const int32_t*>(bias),
            reinterpret_cast<const float*>(bias + 4 * layout.lanes)};
  }
};

// All that it knows. Output: ToU8 or ToF32.
template <class Output>
struct Call : Input {
  using Y = typename Output::Y;
  Y* y;
  Layer<Output> layer;

  Call(const Input& input, Y* y_, const Output& output)
      : Input(input),
        y(y_),
        layer{params.geometry.in_c,
              params.geometry.in_w,
              params.geometry.out_w,
              params.geometry.pad_left,
              static_cast<int32_t>(static_cast<uint32_t>(params.x_zero_point) * 0x1010101u),
              output} {}
};

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
