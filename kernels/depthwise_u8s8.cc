// Read depthwise_u8s8_layout.h first (what a vector holds), then depthwise_u8s8_tile-inl.h and, for
// targets without a dot product, depthwise_u8s8_pairs-inl.h (the inner loops), and
// depthwise_u8s8_output-inl.h (sums to output); this file cuts layers into tasks and bands, and
// dispatches.
#include "kernels/depthwise_u8s8.h"

#include <cstring>

#include "base/check.h"
#include "kernels/depthwise_u8s8_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_u8s8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_pairs-inl.h"
#include "kernels/depthwise_u8s8_tile-inl.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

using depthwise_u8s8::Layout;
using depthwise_u8s8::Params;
using depthwise_u8s8::Path;
using depthwise_u8s8::Strip;

// Pieces of less than a 128-bit block would mix channels in make_quads.
constexpr size_t kMostPieces = kLanes <= 16 ? 1 : kLanes / 16;

Layout make_layout(const Conv2dGeometry& g) {
  const bool pairs = with_dot([](auto dot) { return kDotParts<decltype(dot)::value> == 2; });
  return Layout(g, kLanes, kMostPieces, pairs);
}

size_t depthwise_packed_bytes(const Params& params) {
  const Layout layout = make_layout(params.geometry);
  return layout.strips(params.geometry.in_c) * layout.strip_bytes();
}

void depthwise_pack(const Params& params, void* packed) {
  const Layout layout = make_layout(params.geometry);
  layout.for_each_strip(params.geometry.in_c, [&](const Strip& strip, size_t index) {
    std::byte* to = static_cast<std::byte*>(packed) + index * layout.strip_bytes();
    pack_strip(params, layout, strip, to);
    with_dot([&](auto dot) {
      constexpr Dot kDot = decltype(dot)::value;
      fold_zero_point<kDot>(params.x_zero_point, to, layout.once(), layout.lanes,
                            to + layout.weight_bytes());
      if (layout.pairs) {
        if (layout.path == Path::general)
          split_quads<kDot>(layout.groups * 4, to);
        else
          quads_to_pairs(layout, to);
      }
    });
  });
}

// Working memory of run. 3x3: a row of zero points, then a row for output (of either type) that
// nobody wants.
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
    } else {
      second = align_up(g.in_w * g.in_c);
      third = bytes = second + align_up(g.out_w * g.in_c * sizeof(float));
    }
  }
};

Work depthwise_work(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout layout = make_layout(g);
  const size_t rows = layout.task_rows(g.in_c);
  return {g.batch * ((g.out_h + rows - 1) / rows), Workspace(layout, g).bytes};
}

// What an output column of a band takes, or an output pixel of the general path, for one strip.
template <Dot kDot>
Instructions column_instructions(const Layout& l) {
  constexpr double kParts = kDotParts<kDot>;
  const double quads = 4.0 * static_cast<double>(l.groups);
  const Instructions store = 4.0 * static_cast<double>(l.rows) * kRequantize;
  if (l.path == Path::general)  // four bytes interleaved to four quads
    return quads * (kDotInstructions<kDot> + kSplitInstructions<kDot>)+store +
           Instructions{.loads = quads * (2 + kParts), .others = 2 * quads};
  const double columns = l.path == Path::stride1 ? 1 : 2;  // of inputs that are new
  if (l.pairs)  // five pairs of two digits in two halves; then the digits are joined
    return Instructions{.multiplies = 20 + 4, .loads = 20 + 8 + 3 * columns, .others = 16 + 8} +
           store + Instructions{.others = 2 + 2 * columns};
  const double loads = static_cast<double>(l.rows * (l.rows + 2));  // a pass for each row
  return quads * kDotInstructions<kDot> + store +
         columns * Instructions{.loads = loads, .others = 8};
}

Cost depthwise_cost(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = make_layout(g);
  const double slots =
      with_dot([&](auto dot) { return column_instructions<decltype(dot)::value>(l).slots(); });
  size_t bands = 0;  // of all strips
  l.for_each_strip(g.in_c, [&](const Strip& strip, size_t) {
    bands += divide_up(g.out_h, l.rows * strip.pieces);
  });
  return {.slots = slots * static_cast<double>(g.batch * g.out_w * bands),
          .weight_bytes = static_cast<double>(depthwise_packed_bytes(params))};
}

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

// The band of output rows [oy, oy + kRows * kPieces) of image n.
template <int kRows, int kPieces, class Output>
Band<typename Output::Y, kRows, kPieces> make_band(const Call<Output>& call, size_t n, size_t oy,
                                                   size_t channel) {
  using Y = typename Output::Y;
  const Conv2dGeometry& g = call.params.geometry;
  Y* const unwanted = reinterpret_cast<Y*>(call.workspace + Workspace(call.layout, g).second);
  Band<Y, kRows, kPieces> band;
  for (int p = 0; p < kPieces; ++p) {
    // Pieces below the image repeat the first one.
    const size_t wanted = oy + p * kRows;
    const size_t row = wanted < g.out_h ? wanted : oy;
    for (int i = 0; i < band.kIn; ++i) {
      // Above the image this wraps to values beyond in_h.
      const size_t iy = row * g.stride_h + i - g.pad_top;
      band.in[i][p] =
          iy < g.in_h ? call.x + (n * g.in_h + iy) * g.in_w * g.in_c + channel : call.zero_points;
    }
    for (int r = 0; r < kRows; ++r)
      band.out[r][p] = row + r < g.out_h
                           ? call.y + (n * g.out_h + row + r) * g.out_w * g.in_c + channel
                           : unwanted;
  }
  return band;
}

// One strip of the output rows of one task.
template <Dot kDot, int kRows, int kStride, int kPieces, class Output>
void run_strip(const Call<Output>& call, const Strip& strip, const StripData& data, size_t n,
               size_t begin, size_t end) {
  for (size_t oy = begin; oy < end; oy += kRows * kPieces) {
    if constexpr (kDotParts<kDot> == 2) {
      band_pairs<kStride>(call.layer, data, make_band<kRows, kPieces>(call, n, oy, strip.channel));
    } else if (kRows == 2 && kPieces == 1 && oy + 1 == end) {
      // A single last row: the weights of row 0 are those of a band of one.
      band_3x3<kDot, 1, kStride, 1>(call.layer, data, make_band<1, 1>(call, n, oy, strip.channel));
    } else {
      band_3x3<kDot, kRows, kStride, kPieces>(
          call.layer, data, make_band<kRows, kPieces>(call, n, oy, strip.channel));
    }
  }
}

template <Dot kDot, int kRows, int kStride, class Output>
void run_3x3(const Call<Output>& call, size_t begin, size_t end) {
  const Conv2dGeometry& g = call.params.geometry;
  const size_t task_rows = call.layout.task_rows(g.in_c);
  const size_t tasks_per_image = (g.out_h + task_rows - 1) / task_rows;
  const auto run = [&](const Strip& strip, size_t index, size_t task) {
    const StripData data = call.strip_data(index);
    const size_t n = task / tasks_per_image;
    const size_t first = task % tasks_per_image * task_rows;
    const size_t last = std::min(first + task_rows, g.out_h);
    if constexpr (kMostPieces >= 4)
      if (strip.pieces == 4)
        return run_strip<kDot, kRows, kStride, 4>(call, strip, data, n, first, last);
    if constexpr (kMostPieces >= 2)
      if (strip.pieces == 2)
        return run_strip<kDot, kRows, kStride, 2>(call, strip, data, n, first, last);
    run_strip<kDot, kRows, kStride, 1>(call, strip, data, n, first, last);
  };
  // Small images stay in the cache while a strip's weights are used for all of them; large ones
  // pass once, row by row.
  if (g.in_h * g.in_w <= 256) {
    call.layout.for_each_strip(g.in_c, [&](const Strip& strip, size_t index) {
      for (size_t task = begin; task < end; ++task) run(strip, index, task);
    });
  } else {
    for (size_t task = begin; task < end; ++task)
      call.layout.for_each_strip(
          g.in_c, [&](const Strip& strip, size_t index) { run(strip, index, task); });
  }
}

// Pointers to channel 0 at each tap of an output pixel, in a call's working memory.
class Taps {
 public:
  explicit Taps(const Input& input) : input_(input), count_(input.layout.groups * 4) {
    const Conv2dGeometry& g = input.params.geometry;
    const Workspace workspace(input.layout, g);
    taps_ = reinterpret_cast<const uint8_t**>(input.workspace + workspace.second);
    offsets_ = reinterpret_cast<size_t*>(taps_ + count_);
    copies_ = reinterpret_cast<uint8_t*>(input.workspace + workspace.third);
    x_end_ = input.x + g.batch * g.in_h * g.in_w * g.in_c;
    // Taps that fill up the last quad have zero weights and may point anywhere.
    for (size_t t = 0; t < count_; ++t) {
      const bool real = t < g.kernel_h * g.kernel_w;
      const size_t ky = real ? t / g.kernel_w : 0, kx = real ? t % g.kernel_w : 0;
      offsets_[t] = (ky * g.dilation_h * g.in_w + kx * g.dilation_w) * g.in_c;
    }
  }

  const uint8_t* const* of_pixel(size_t n, size_t oy, size_t ox) {
    const Conv2dGeometry& g = input_.params.geometry;
    // Above and left of the image these wrap to values far beyond in_h and in_w.
    const size_t iy = oy * g.stride_h - g.pad_top;
    const size_t ix = ox * g.stride_w - g.pad_left;
    const size_t height = (g.kernel_h - 1) * g.dilation_h;
    const size_t width = (g.kernel_w - 1) * g.dilation_w;
    const bool inside = iy < g.in_h && iy + height < g.in_h && ix < g.in_w && ix + width < g.in_w;
    if (inside && g.in_c >= kLanes) {
      const uint8_t* corner = input_.x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c;
      for (size_t t = 0; t < count_; ++t) taps_[t] = corner + offsets_[t];
    } else {
      check_each(n, iy, ix);
    }
    return taps_;
  }

 private:
  void check_each(size_t n, size_t top, size_t left) {
    const Conv2dGeometry& g = input_.params.geometry;
    size_t t = 0;
    for (size_t ky = 0; ky < g.kernel_h; ++ky) {
      const size_t iy = top + ky * g.dilation_h;
      for (size_t kx = 0; kx < g.kernel_w; ++kx, ++t) {
        const size_t ix = left + kx * g.dilation_w;
        taps_[t] = input_.zero_points;
        if (iy >= g.in_h || ix >= g.in_w) continue;
        taps_[t] = input_.x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c;
        // Reading the next pixel's channels does no harm, reading past the tensor would.
        if (g.in_c < kLanes && static_cast<size_t>(x_end_ - taps_[t]) < kLanes) {
          std::memcpy(copies_ + t * kLanes, taps_[t], g.in_c);
          taps_[t] = copies_ + t * kLanes;
        }
      }
    }
    while (t < count_) taps_[t++] = input_.zero_points;
  }

  const Input& input_;
  const size_t count_;
  const uint8_t** taps_;
  size_t* offsets_;
  uint8_t* copies_;
  const uint8_t* x_end_;
};

// A task is an output row.
template <Dot kDot, class Output>
void run_general(const Call<Output>& call, size_t begin, size_t end) {
  using Y = typename Output::Y;
  const Conv2dGeometry& g = call.params.geometry;
  Taps taps(call);
  for (size_t task = begin; task < end; ++task)
    for (size_t ox = 0; ox < g.out_w; ++ox) {
      const uint8_t* const* tap = taps.of_pixel(task / g.out_h, task % g.out_h, ox);
      Y* pixel = call.y + (task * g.out_w + ox) * g.in_c;
      call.layout.for_each_strip(g.in_c, [&](const Strip& strip, size_t index) HWY_ATTR {
        Y whole[kLanes];
        Y* out = strip.width == kLanes ? pixel + strip.channel : whole;
        pixel_block<kDot>(tap, call.layout.groups, strip.channel, call.strip_data(index),
                          call.layer.output, out);
        if (out == whole) std::memcpy(pixel, whole, strip.width * sizeof(Y));
      });
    }
}

template <class Output>
void run_tasks(const Call<Output>& call, size_t begin, size_t end) {
  with_dot([&](auto dot) {
    constexpr Dot kDot = decltype(dot)::value;
    switch (call.layout.path) {
      case Path::stride1:
        return run_3x3<kDot, (kDotParts<kDot> == 2 ? 1 : 2), 1>(call, begin, end);
      case Path::stride2:
        return run_3x3<kDot, 1, 2>(call, begin, end);
      case Path::general:
        return run_general<kDot>(call, begin, end);
    }
  });
}

void depthwise_run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y,
                   void* workspace, size_t begin, size_t end) {
  run_tasks(Call(Input(params, packed, x, workspace), y, ToU8(params.range)), begin, end);
}

void depthwise_run_f32(const Params& params, const void* packed, const uint8_t* x, float* y,
                       void* workspace, size_t begin, size_t end) {
  run_tasks(Call(Input(params, packed, x, workspace), y, ToF32()), begin, end);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(depthwise_packed_bytes);
HWY_EXPORT(depthwise_pack);
HWY_EXPORT(depthwise_work);
HWY_EXPORT(depthwise_cost);
HWY_EXPORT(depthwise_run);
HWY_EXPORT(depthwise_run_f32);

namespace depthwise_u8s8 {

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(depthwise_packed_bytes)(params);
}

void pack(const Params& params, void* packed) noexcept {
  HWY_DYNAMIC_DISPATCH(depthwise_pack)(params, packed);
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(depthwise_work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(depthwise_cost)(params); }

void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(params.geometry.in_c == params.geometry.out_c);
  HWY_DYNAMIC_DISPATCH(depthwise_run)(params, packed, x, y, workspace, begin, end);
}

void run_f32(const Params& params, const void* packed, const uint8_t* x, float* y, void* workspace,
             size_t begin, size_t end) noexcept {
  OCTET_DCHECK(params.geometry.in_c == params.geometry.out_c);
  HWY_DYNAMIC_DISPATCH(depthwise_run_f32)(params, packed, x, y, workspace, begin, end);
}

}  // namespace depthwise_u8s8
}  // namespace octet::kernels
#endif  // HWY_ONCE
