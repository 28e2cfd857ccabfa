// Stride 1 is depthwise_f32 itself. Here: the other strides. The columns of a row of dx fall into
// stride_w phases; within one, neighbours take the same taps of neighbouring outputs, so that each
// phase is a convolution of stride 1 whose results stand stride_w columns apart.
#include "kernels/depthwise_f32_dx.h"

#include "base/check.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_f32_dx_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_f32_dx.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::depthwise_f32_dx::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;
using depthwise_f32::Layout;

// One phase of one row of dx.
struct Phase {
  const Conv2dGeometry* geometry;
  Reach rows, columns;
  Span ky;          // the t of `rows` whose outputs exist
  size_t width;     // columns of dx
  const float* dy;  // of one block of channels: row rows.out, column columns.out; may be outside
  const float* weight;  // of that block, tap (0, 0)
  float* dx;            // of that block, first column of the phase
};

// Columns [j, j + kColumns) of a phase, all of which take the t of `kx`.
template <int kColumns, class D>
HWY_INLINE void columns_of_phase(D d, const Phase& p, size_t j, Span kx) {
  const Conv2dGeometry& g = *p.geometry;
  const ptrdiff_t channels = static_cast<ptrdiff_t>(g.in_c);
  hn::Vec<D> acc[kColumns];
  OCTET_UNROLL
  for (int i = 0; i < kColumns; ++i) acc[i] = hn::Zero(d);
  for (size_t ty = p.ky.begin; ty < p.ky.end; ++ty) {
    const size_t ky = p.rows.first + ty * p.rows.step;
    const ptrdiff_t row = -static_cast<ptrdiff_t>(ty * p.rows.out_step * g.out_w);
    for (size_t tx = kx.begin; tx < kx.end; ++tx) {
      const size_t tap = ky * g.kernel_w + p.columns.first + tx * p.columns.step;
      const auto w = hn::Load(d, p.weight + tap * hn::MaxLanes(d));
      const ptrdiff_t column =
          static_cast<ptrdiff_t>(j) - static_cast<ptrdiff_t>(tx * p.columns.out_step);
      const float* dy = p.dy + (row + column) * channels;
      OCTET_UNROLL
      for (int i = 0; i < kColumns; ++i) {
        acc[i] = hn::MulAdd(hn::LoadU(d, dy), w, acc[i]);
        dy += channels;
      }
    }
  }
  float* dx = p.dx + j * g.stride_w * g.in_c;
  OCTET_UNROLL
  for (int i = 0; i < kColumns; ++i) {
    hn::StoreU(acc[i], d, dx);
    dx += g.stride_w * g.in_c;
  }
}

template <class D>
HWY_INLINE void run_phase(D d, const Phase& p, Span inner) {
  constexpr size_t kColumns = 4;
  const size_t outputs = p.geometry->out_w;
  const Span all{0, p.columns.count};
  size_t j = 0;
  for (; j < inner.begin; ++j) columns_of_phase<1>(d, p, j, p.columns.inside(j, outputs));
  if (inner.end - inner.begin >= kColumns) {
    // The last step begins early and computes some columns again.
    for (; j < inner.end; j += kColumns)
      columns_of_phase<kColumns>(d, p, HWY_MIN(j, inner.end - kColumns), all);
    j = inner.end;
  }
  for (; j < p.width; ++j) columns_of_phase<1>(d, p, j, p.columns.inside(j, outputs));
}

// Blocks [strip, strip_end) of row `row` of all images' dx.
template <class D>
HWY_INLINE void run_row(D d, const Conv2dGeometry& g, const Layout& l, const float* packed,
                        const float* dy, float* dx, size_t row, size_t strip, size_t strip_end) {
  const ptrdiff_t n = static_cast<ptrdiff_t>(row / g.in_h);
  const ptrdiff_t dy_row = static_cast<ptrdiff_t>(g.out_w * g.in_c);
  Phase p{};
  p.geometry = &g;
  p.rows = reach(row % g.in_h, g.pad_top, g.stride_h, g.dilation_h, g.kernel_h);
  p.ky = p.rows.inside(0, g.out_h);
  for (size_t phase = 0; phase < HWY_MIN(g.stride_w, g.in_w); ++phase) {
    p.columns = reach(phase, g.pad_left, g.stride_w, g.dilation_w, g.kernel_w);
    p.width = (g.in_w - phase + g.stride_w - 1) / g.stride_w;
    const Span inner = p.columns.inner(p.width, g.out_w);
    const ptrdiff_t first = (n * static_cast<ptrdiff_t>(g.out_h) + p.rows.out) * dy_row +
                            p.columns.out * static_cast<ptrdiff_t>(g.in_c);
    for (size_t block = strip; block < strip_end; ++block) {
      const size_t channel = l.channel(block, g.in_c);
      p.dy = dy + first + static_cast<ptrdiff_t>(channel);
      p.weight = packed + block * l.block_floats() + l.lanes;
      p.dx = dx + (row * g.in_w + phase) * g.in_c + channel;
      run_phase(d, p, inner);
    }
  }
}

// Rows [begin, end) of all images' dx.
template <class D>
void run_rows(D d, const Conv2dGeometry& g, const Layout& l, const float* packed, const float* dy,
              float* dx, size_t begin, size_t end) {
  for (size_t strip = 0; strip < l.blocks; strip += l.strip_blocks)
    for (size_t row = begin; row < end; ++row)
      run_row(d, g, l, packed, dy, dx, row, strip, HWY_MIN(strip + l.strip_blocks, l.blocks));
}

Layout layout(const Conv2dGeometry& g) {
  return depthwise_f32::make_layout(mirrored(g), hn::MaxLanes(DF()));
}

void pack(const Params& params, void* packed) {
  const Conv2dGeometry& g = params.geometry;
  depthwise_f32::pack_weight(layout(g), g.in_c, params.weight, nullptr, is_forward(g),
                             static_cast<float*>(packed));
}

size_t tasks(const Conv2dGeometry& g) { return layout(g).tasks(); }

void run_strided(const Conv2dGeometry& g, const float* packed, const float* dy, float* dx,
                 size_t begin, size_t end) {
  const Layout l = layout(g);
  const size_t first = HWY_MIN(begin * l.rows_per_task, l.rows);
  const size_t last = HWY_MIN(end * l.rows_per_task, l.rows);
  if (l.lanes == hn::MaxLanes(DF())) {
    run_rows(DF(), g, l, packed, dy, dx, first, last);
  } else if (l.lanes == 4) {
    run_rows(hn::CappedTag<float, 4>(), g, l, packed, dy, dx, first, last);
  } else {
    run_rows(hn::CappedTag<float, 1>(), g, l, packed, dy, dx, first, last);
  }
}

}  // namespace octet::kernels::depthwise_f32_dx::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::depthwise_f32_dx {

HWY_EXPORT(pack);
HWY_EXPORT(tasks);
HWY_EXPORT(run_strided);

size_t packed_bytes(const Params& params) noexcept {
  return depthwise_f32::packed_bytes({.geometry = mirrored(params.geometry)});
}

void pack(const Params& params, void* packed) noexcept {
  HWY_DYNAMIC_DISPATCH(pack)(params, packed);
}

Work work(const Params& params) noexcept {
  return {HWY_DYNAMIC_DISPATCH(tasks)(params.geometry), 0};
}

void run(const Params& params, const void* packed, const float* dy, float* dx, void* workspace,
         size_t begin, size_t end) noexcept {
  const Conv2dGeometry& g = params.geometry;
  OCTET_DCHECK(end <= work(params).tasks);
  if (is_forward(g)) {
    depthwise_f32::run({.geometry = mirrored(g)}, packed, dy, dx, workspace, begin, end);
  } else {
    HWY_DYNAMIC_DISPATCH(run_strided)(g, static_cast<const float*>(packed), dy, dx, begin, end);
  }
}

}  // namespace octet::kernels::depthwise_f32_dx
#endif  // HWY_ONCE
