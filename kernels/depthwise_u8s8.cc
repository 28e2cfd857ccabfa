// Read depthwise_u8s8_layout.h first (what a vector holds), then depthwise_u8s8_tile-inl.h and, for
// targets without a dot product, depthwise_u8s8_pairs-inl.h (the inner loops of 3x3), and
// depthwise_u8s8_output-inl.h (sums to output); other kernels are in depthwise_u8s8_widened-inl.h
// (x86) and depthwise_u8s8_general-inl.h. This file cuts layers into tasks and 3x3 into bands, and
// dispatches.
#include "kernels/depthwise_u8s8.h"

#include "base/check.h"
#include "kernels/depthwise_u8s8_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_u8s8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_call-inl.h"
#include "kernels/depthwise_u8s8_general-inl.h"
#include "kernels/depthwise_u8s8_pairs-inl.h"
#include "kernels/depthwise_u8s8_tile-inl.h"
#include "kernels/depthwise_u8s8_widened-inl.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

size_t depthwise_packed_bytes(const Params& params) {
  const Layout layout = make_layout(params.geometry);
  return layout.strips(params.geometry.in_c) * layout.strip_bytes();
}

void depthwise_pack(const Params& params, void* packed) {
  const Layout layout = make_layout(params.geometry);
  layout.for_each_strip(params.geometry.in_c, [&](const Strip& strip, size_t index) {
    std::byte* to = static_cast<std::byte*>(packed) + index * layout.strip_bytes();
    pack_strip(params, layout, strip, to);
    if (layout.path == Path::widened) return;
    with_dot([&](auto dot) {
      constexpr Dot kDot = decltype(dot)::value;
      fold_zero_point<kDot>(params.x_zero_point - kInputOffset<kDot>, to, layout.once(),
                            layout.lanes, to + layout.weight_bytes());
      if (layout.pairs) quads_to_pairs(layout, to);
    });
  });
}

Work depthwise_work(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout layout = make_layout(g);
  const size_t rows = layout.task_rows(g.in_c);
  return {g.batch * ((g.out_h + rows - 1) / rows), Workspace(layout, g).bytes};
}

// What an output column of a band takes, or an output pixel of the general path, for one strip.
template <Dot kDot>
Instructions column_instructions(const Layout& l, size_t stride_w) {
  constexpr double kParts = kDotParts<kDot>;
  const double quads = 4.0 * static_cast<double>(l.groups);
  const Instructions store = 4.0 * static_cast<double>(l.rows) * kRequantize;
  if (l.path == Path::widened) {
    // A column of inputs is widened once for each pair of rows that the band before had not: of
    // four vectors, as the rest here.
    const double fresh = static_cast<double>(stride_w * (l.rows == 2 ? 1 : l.row_pairs));
    return quads * kPairInstructions<kDot> + Instructions{.loads = quads + 8 * l.rows} + store +
           4 * fresh * Instructions{.loads = 3, .others = 4};
  }
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

[[gnu::cold]] Cost depthwise_cost(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = make_layout(g);
  const double slots = with_dot(
      [&](auto dot) { return column_instructions<decltype(dot)::value>(l, g.stride_w).slots(); });
  size_t bands = 0;  // of all strips
  l.for_each_strip(g.in_c, [&](const Strip& strip, size_t) {
    bands += divide_up(g.out_h, l.rows * strip.pieces);
  });
  return {.slots = slots * static_cast<double>(g.batch * g.out_w * bands),
          .weight_bytes = static_cast<double>(depthwise_packed_bytes(params))};
}

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
    if constexpr (OCTET_HAS_PAIRS(kDot)) {
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

template <class Output>
void run_tasks(const Call<Output>& call, size_t begin, size_t end) {
  with_dot([&](auto dot) {
    constexpr Dot kDot = decltype(dot)::value;
    switch (call.layout.path) {
      case Path::stride1:
        return run_3x3<kDot, (OCTET_HAS_PAIRS(kDot) ? 1 : 2), 1>(call, begin, end);
      case Path::stride2:
        return run_3x3<kDot, 1, 2>(call, begin, end);
#if OCTET_HAS_WIDENED
      case Path::widened:
        return run_widened<kDot>(call, begin, end);
      case Path::general:
        return;  // never
#else
      case Path::general:
        return run_general<kDot>(call, begin, end);
      case Path::widened:
        return;  // never
#endif
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
