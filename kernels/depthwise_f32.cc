// Start reading at depthwise_f32_layout.h, then depthwise_f32_row-inl.h: the inner loops. Here: the
// loops around them.
#include "kernels/depthwise_f32.h"

#include "base/check.h"
#include "kernels/depthwise_f32_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/depthwise_f32_row-inl.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::depthwise_f32::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

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
[[gnu::cold]] Cost cost(const Params& params) {
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
