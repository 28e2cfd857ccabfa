// Start reading at depthwise_f32_layout.h. Here: the two inner forms (kernels 3 and 5 wide with
// several columns per step, and any kernel), then the loops around them.
#include "kernels/depthwise_f32.h"

#include <cstring>

#include "base/check.h"
#include "kernels/depthwise_f32_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/store_order-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::depthwise_f32::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

// One output row of a strip.
struct Row {
  const Conv2dGeometry* geometry;
  const Layout* layout;
  const float* x;       // the first channel at tap ky = 0, column 0; may be above the image
  ptrdiff_t x_step;     // from one ky to the next
  Span ky;              // those inside the image
  const float* weight;  // bias, taps
  float* y;             // column 0
  float lo, hi;
  Span columns;
  size_t blocks, last_step;  // of channels; how much further on than the one before the last begins

  // Calls f with the row of each block.
  template <class F>
  HWY_INLINE void for_each_block(const F& f) const {
    Row block = *this;
    const size_t lanes = layout->lanes, floats = layout->block_floats();
    for (size_t left = blocks; left != 0; --left) {
      f(block);
      const size_t step = left == 2 ? last_step : lanes;
      block.x += step;
      block.y += step;
      block.weight += floats;
    }
  }
};

template <class D, int kColumns>
HWY_INLINE void store_columns(D d, const hn::Vec<D> (&acc)[kColumns], const Row& r, float* y) {
  const auto lo = hn::Set(d, r.lo), hi = hn::Set(d, r.hi);
  OCTET_UNROLL
  for (int p = 0; p < kColumns; ++p) {
    auto v = acc[p];
    OCTET_KEEP_ORDER(v);
    // In this order a NaN stays a NaN.
    hn::StoreU(hn::Min(hi, hn::Max(lo, v)), d, y);
    y += r.geometry->in_c;
  }
}

// Which inputs of a step are outside the image: the first kLeft and the last kRight. A compiler
// that knows makes faster code (3x3: by a third) than AnyEdge, which asks.
template <int kLeft, int kRight>
struct Edge {
  static constexpr bool outside(int i, int inputs) { return i < kLeft || i >= inputs - kRight; }
};

struct AnyEdge {
  Span inside;
  bool outside(int i, int) const {
    return static_cast<size_t>(i) < inside.begin || static_cast<size_t>(i) >= inside.end;
  }
};

// Adds the products of one ky to kColumns outputs, whose first window begins at input column ix;
// each input is loaded once and used for every output that sees it.
template <int kWidth, int kStride, class D, int kColumns, class Edge>
HWY_INLINE void add_tap_row(D d, const Row& r, ptrdiff_t ix, Edge edge, size_t ky,
                            hn::Vec<D> (&acc)[kColumns]) {
  constexpr int kInputs = (kColumns - 1) * kStride + kWidth;
  const size_t channels = r.geometry->in_c;
  const float* w = r.weight + (1 + kWidth * ky) * hn::MaxLanes(d);
  hn::Vec<D> taps[kWidth];
  OCTET_UNROLL
  for (int kx = 0; kx < kWidth; ++kx) taps[kx] = hn::Load(d, w + kx * hn::MaxLanes(d));
  const float* x =
      r.x + static_cast<ptrdiff_t>(ky) * r.x_step + ix * static_cast<ptrdiff_t>(channels);
  OCTET_UNROLL
  for (int i = 0; i < kInputs; ++i, x += channels) {
    if (edge.outside(i, kInputs)) continue;
    auto v = hn::LoadU(d, x);
    OCTET_KEEP_IN_REGISTER(v);  // not loaded again by each multiply-add
    OCTET_UNROLL
    for (int p = 0; p < kColumns; ++p) {
      const int kx = i - p * kStride;
      if (kx < 0 || kx >= kWidth) continue;
      acc[p] = hn::MulAdd(v, taps[kx], acc[p]);
    }
  }
}

// Output columns [ox, ox + kColumns) of a block.
template <int kColumns, int kWidth, int kStride, class D, class Edge>
HWY_INLINE void block_wide(D d, const Row& r, size_t ox, ptrdiff_t ix, Edge edge) {
  hn::Vec<D> acc[kColumns];
  const auto bias = hn::Load(d, r.weight);
  OCTET_UNROLL
  for (int p = 0; p < kColumns; ++p) acc[p] = bias;
  if (kWidth == 3 && r.ky.begin == 0 && r.ky.end == 3) {
    // Nearly always; without a loop 10 % faster.
    add_tap_row<kWidth, kStride>(d, r, ix, edge, 0, acc);
    add_tap_row<kWidth, kStride>(d, r, ix, edge, 1, acc);
    add_tap_row<kWidth, kStride>(d, r, ix, edge, 2, acc);
  } else {
    for (size_t ky = r.ky.begin; ky < r.ky.end; ++ky)
      add_tap_row<kWidth, kStride>(d, r, ix, edge, ky, acc);
  }
  store_columns(d, acc, r, r.y + ox * r.geometry->in_c);
}

template <int kColumns, int kWidth, int kStride, class D, class Edge>
HWY_INLINE void columns_wide(D d, const Row& r, size_t ox, ptrdiff_t ix, Edge edge) {
  r.for_each_block([&](const Row& block)
                       HWY_ATTR { block_wide<kColumns, kWidth, kStride>(d, block, ox, ix, edge); });
}

// A row of a kernel kWidth wide, not dilated in width.
template <int kColumns, int kWidth, int kStride>
struct Wide {
  template <class D>
  static HWY_INLINE void run_row(D d, const Row& r) {
    constexpr size_t kInputs = (kColumns - 1) * kStride + kWidth;
    const Conv2dGeometry& g = *r.geometry;
    for (size_t done = r.columns.begin; done < r.columns.end; done += kColumns) {
      // The last step begins early and computes some columns again.
      const size_t ox = HWY_MIN(done, g.out_w - kColumns);
      const ptrdiff_t ix =
          static_cast<ptrdiff_t>(ox * kStride) - static_cast<ptrdiff_t>(g.pad_left);
      const ptrdiff_t right = ix + static_cast<ptrdiff_t>(kInputs) - static_cast<ptrdiff_t>(g.in_w);
      if (ix >= 0 && right <= 0) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<0, 0>());
      } else if (kWidth == 3 && ix == -1 && right <= 0) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<1, 0>());
      } else if (kWidth == 3 && ix >= 0 && right == 1) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<0, 1>());
      } else if (kWidth == 3 && ix == -1 && right == 1) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<1, 1>());
      } else {
        const Span inside = taps_inside(ix, 1, kInputs, g.in_w);
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, AnyEdge{inside});
      }
    }
  }
};

// Output columns [ox, ox + kColumns), all of which have taps [kx.begin, kx.end) inside the image.
template <class D, int kColumns>
HWY_INLINE void columns_any(D d, const Row& r, size_t ox, Span kx) {
  const Conv2dGeometry& g = *r.geometry;
  const ptrdiff_t channels = static_cast<ptrdiff_t>(g.in_c);
  const ptrdiff_t ix = static_cast<ptrdiff_t>(ox * g.stride_w) - static_cast<ptrdiff_t>(g.pad_left);
  hn::Vec<D> acc[kColumns];
  const auto bias = hn::Load(d, r.weight);
  OCTET_UNROLL
  for (int p = 0; p < kColumns; ++p) acc[p] = bias;
  for (size_t ky = r.ky.begin; ky < r.ky.end; ++ky) {
    for (size_t k = kx.begin; k < kx.end; ++k) {
      const auto w = hn::Load(d, r.weight + (1 + ky * g.kernel_w + k) * hn::MaxLanes(d));
      const float* x = r.x + static_cast<ptrdiff_t>(ky) * r.x_step +
                       (ix + static_cast<ptrdiff_t>(k * g.dilation_w)) * channels;
      OCTET_UNROLL
      for (int p = 0; p < kColumns; ++p) {
        acc[p] = hn::MulAdd(hn::LoadU(d, x), w, acc[p]);
        x += g.stride_w * g.in_c;
      }
    }
  }
  store_columns(d, acc, r, r.y + ox * g.in_c);
}

struct Any {
  template <class D>
  static HWY_INLINE void run_row(D d, const Row& r) {
    r.for_each_block([&](const Row& block) HWY_ATTR { run_block(d, block); });
  }

  template <class D>
  static HWY_INLINE void run_block(D d, const Row& r) {
    constexpr int kColumns = 7;
    const Span inner = r.layout->inner;
    const Conv2dGeometry& g = *r.geometry;
    const auto single = [&](size_t ox) HWY_ATTR {
      const ptrdiff_t ix =
          static_cast<ptrdiff_t>(ox * g.stride_w) - static_cast<ptrdiff_t>(g.pad_left);
      columns_any<D, 1>(d, r, ox, taps_inside(ix, g.dilation_w, g.kernel_w, g.in_w));
    };
    const Span all{0, g.kernel_w};
    size_t ox = 0;
    while (ox < inner.begin) single(ox++);
    if (inner.end - inner.begin >= kColumns) {
      // The last step begins early and computes some columns again.
      for (; ox < inner.end; ox += kColumns)
        columns_any<D, kColumns>(d, r, HWY_MIN(ox, inner.end - kColumns), all);
      ox = inner.end;
    }
    while (ox < g.out_w) single(ox++);
  }
};

// Output rows `rows` of all images, of a strip.
template <class Form, class D>
HWY_INLINE void run_strip(D d, const Params& params, const Layout& l, const float* packed,
                          const float* x, float* y, Span rows, Span blocks, Span columns) {
  const Conv2dGeometry& g = params.geometry;
  const ptrdiff_t x_row = static_cast<ptrdiff_t>(g.in_w * g.in_c);
  const size_t channel = l.channel(blocks.begin, g.in_c), last = blocks.end - 1;
  Row r{.geometry = &g,
        .layout = &l,
        .x = nullptr,
        .x_step = static_cast<ptrdiff_t>(g.dilation_h) * x_row,
        .ky = {},
        .weight = packed + blocks.begin * l.block_floats(),
        .y = nullptr,
        .lo = params.lo,
        .hi = params.hi,
        .columns = columns,
        .blocks = blocks.end - blocks.begin,
        .last_step = last == 0 ? 0 : l.channel(last, g.in_c) - l.channel(last - 1, g.in_c)};
  for (size_t row = rows.begin; row < rows.end; ++row) {
    const ptrdiff_t n = static_cast<ptrdiff_t>(row / g.out_h);
    const ptrdiff_t iy =
        static_cast<ptrdiff_t>(row % g.out_h * g.stride_h) - static_cast<ptrdiff_t>(g.pad_top);
    r.x = x + (n * static_cast<ptrdiff_t>(g.in_h) + iy) * x_row + channel;
    r.ky = taps_inside(iy, g.dilation_h, g.kernel_h, g.in_h);
    r.y = y + row * g.out_w * g.in_c + channel;
    Form::run_row(d, r);
  }
}

// A function for each form: in one, the compiler runs out of registers.
template <class Form, class D>
HWY_NOINLINE void run_rows(D d, const Params& params, const Layout& l, const float* packed,
                           const float* x, float* y, Span rows) {
  const size_t out_w = params.geometry.out_w;
  for (size_t column = 0; column < out_w; column += l.strip_columns)
    for (size_t block = 0; block < l.blocks; block += l.strip_blocks)
      run_strip<Form>(d, params, l, packed, x, y, rows,
                      {block, HWY_MIN(block + l.strip_blocks, l.blocks)},
                      {column, HWY_MIN(column + l.strip_columns, out_w)});
}

template <int kWidth, int kStride>
void run_wide(const Params& params, const Layout& l, const float* packed, const float* x, float* y,
              Span rows) {
  const DF d;
  if (l.columns == 7) return run_rows<Wide<7, kWidth, kStride>>(d, params, l, packed, x, y, rows);
  if (l.columns == 4) return run_rows<Wide<4, kWidth, kStride>>(d, params, l, packed, x, y, rows);
  if (l.columns == 2) return run_rows<Wide<2, kWidth, kStride>>(d, params, l, packed, x, y, rows);
  run_rows<Wide<1, kWidth, kStride>>(d, params, l, packed, x, y, rows);
}

size_t packed_bytes(const Params& params) {
  const Layout l = make_layout(params.geometry, hn::MaxLanes(DF()));
  return align_up(l.blocks * l.block_floats() * sizeof(float));
}

void pack(const Params& params, void* packed) {
  const Layout l = make_layout(params.geometry, hn::MaxLanes(DF()));
  pack_weight(l, params.geometry.in_c, params.weight, params.bias, false,
              static_cast<float*>(packed));
}

Work work(const Params& params) {
  return {make_layout(params.geometry, hn::MaxLanes(DF())).tasks(), 0};
}

// A step is `columns` neighbouring outputs of a block of channels; without a step of its own
// (Layout::columns) each product loads its input.
Cost cost(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = make_layout(g, hn::MaxLanes(DF()));
  const size_t columns = l.columns == 0 ? 1 : l.columns;
  const size_t inputs = l.columns == 0 ? g.kernel_w : (columns - 1) * g.stride_w + g.kernel_w;
  const size_t steps = l.rows * divide_up(g.out_w, columns) * l.blocks;
  const double outputs = static_cast<double>(columns);
  const Instructions taps =
      outputs * static_cast<double>(l.taps) * kMultiplyAdd +
      Instructions{.loads = static_cast<double>(g.kernel_h * (inputs + g.kernel_w))};
  return {.slots = static_cast<double>(steps) * (taps.slots() + (outputs * kClamp).slots()),
          .weight_bytes = static_cast<double>(HWY_NAMESPACE::packed_bytes(params))};
}

void run(const Params& params, const float* packed, const float* x, float* y, size_t begin,
         size_t end) {
  const Layout l = make_layout(params.geometry, hn::MaxLanes(DF()));
  const Span rows{HWY_MIN(begin * l.rows_per_task, l.rows), HWY_MIN(end * l.rows_per_task, l.rows)};
  const Conv2dGeometry& g = params.geometry;
  if (HWY_TARGET != HWY_SCALAR && l.lanes == hn::MaxLanes(DF())) {
    if (l.columns == 0) return run_rows<Any>(DF(), params, l, packed, x, y, rows);
    if (g.kernel_w == 3 && g.stride_w == 1) return run_wide<3, 1>(params, l, packed, x, y, rows);
    if (g.kernel_w == 3) return run_wide<3, 2>(params, l, packed, x, y, rows);
    if (g.stride_w == 1) return run_wide<5, 1>(params, l, packed, x, y, rows);
    return run_wide<5, 2>(params, l, packed, x, y, rows);
  }
  // Short vectors: too rare for more code, as are machines that have none.
  if (l.lanes == 4) return run_rows<Any>(hn::CappedTag<float, 4>(), params, l, packed, x, y, rows);
  run_rows<Any>(hn::CappedTag<float, 1>(), params, l, packed, x, y, rows);
}

}  // namespace octet::kernels::depthwise_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::depthwise_f32 {

HWY_EXPORT(packed_bytes);
HWY_EXPORT(pack);
HWY_EXPORT(work);
HWY_EXPORT(cost);
HWY_EXPORT(run);

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(packed_bytes)(params);
}

void pack(const Params& params, void* packed) noexcept {
  HWY_DYNAMIC_DISPATCH(pack)(params, packed);
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(cost)(params); }

void run(const Params& params, const void* packed, const float* x, float* y, void* /*workspace*/,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  HWY_DYNAMIC_DISPATCH(run)
  (params, static_cast<const float*>(packed), x, y, begin, end);
}

}  // namespace octet::kernels::depthwise_f32
#endif  // HWY_ONCE
