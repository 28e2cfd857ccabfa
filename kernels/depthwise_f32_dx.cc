// Stride 1 is depthwise_f32 itself. Here: the other strides.
//   - Any: the columns of a row of dx fall into stride_w phases; within one, neighbours take the
//     same taps of neighbouring outputs, so that each phase is a convolution of stride 1 whose
//     results stand stride_w columns apart.
//   - Kernels 3 and 5 wide at stride 2: both phases at once, each dy loaded once.
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

// One row of dx in one block of channels.
struct Row {
  const Conv2dGeometry* geometry;
  Reach rows;
  Span ky;              // the t of `rows` whose outputs exist
  const float* dy;      // row rows.out, column 0; may be outside
  const float* weight;  // tap (0, 0)
  float* dx;            // column 0

  const float* dy_row(size_t t) const {
    return dy - static_cast<ptrdiff_t>(t * rows.out_step * geometry->out_w * geometry->in_c);
  }
  size_t tap_row(size_t t) const { return (rows.first + t * rows.step) * geometry->kernel_w; }
};

// Column pairs (2 j, 2 j + 1), ... of dx at stride 2. kFirst is the parity of pad_left: with m = j
// + pad_left / 2, column 2 j + e gets products of kx and ox = m + (e + kFirst - kx) / 2, where that
// is whole. kEdge: outputs that don't exist are left out, and columns behind the last.
template <int kPairs, int kWidth, int kFirst, bool kEdge, class D>
HWY_INLINE void pairs_tile(D d, const Row& r, size_t j, ptrdiff_t ox, Span inside) {
  constexpr int kLow = (1 + 2 * kFirst - kWidth) / 2;  // of ox - m
  constexpr int kInputs = kPairs + kFirst - kLow;
  const Conv2dGeometry& g = *r.geometry;
  hn::Vec<D> acc[2 * kPairs];
  OCTET_UNROLL
  for (int i = 0; i < 2 * kPairs; ++i) acc[i] = hn::Zero(d);
  for (size_t t = r.ky.begin; t < r.ky.end; ++t) {
    const float* w = r.weight + r.tap_row(t) * hn::MaxLanes(d);
    hn::Vec<D> taps[kWidth];
    OCTET_UNROLL
    for (int kx = 0; kx < kWidth; ++kx) taps[kx] = hn::Load(d, w + kx * hn::MaxLanes(d));
    const float* dy = r.dy_row(t) + ox * static_cast<ptrdiff_t>(g.in_c);
    OCTET_UNROLL
    for (int i = 0; i < kInputs; ++i, dy += g.in_c) {
      if (kEdge && (static_cast<size_t>(i) < inside.begin || static_cast<size_t>(i) >= inside.end))
        continue;
      auto v = hn::LoadU(d, dy);
      OCTET_KEEP_IN_REGISTER(v);  // not loaded again by each multiply-add
      OCTET_UNROLL
      for (int column = 0; column < 2 * kPairs; ++column) {
        const int kx = column + kFirst - 2 * (kLow + i);
        if (kx < 0 || kx >= kWidth) continue;
        acc[column] = hn::MulAdd(v, taps[kx], acc[column]);
      }
    }
  }
  float* dx = r.dx + 2 * j * g.in_c;
  OCTET_UNROLL
  for (int column = 0; column < 2 * kPairs; ++column, dx += g.in_c)
    if (!kEdge || 2 * j + column < g.in_w) hn::StoreU(acc[column], d, dx);
}

template <int kPairs, int kWidth, int kFirst, class D>
HWY_INLINE void run_pairs(D d, const Row& r) {
  constexpr ptrdiff_t kLow = (1 + 2 * kFirst - kWidth) / 2;
  constexpr size_t kInputs = kPairs + kFirst - kLow;
  const Conv2dGeometry& g = *r.geometry;
  const size_t pairs = (g.in_w + 1) / 2;
  for (size_t done = 0; done < pairs; done += kPairs) {
    // The last step begins early and computes some columns again.
    const size_t j = HWY_MIN(done, pairs - kPairs);
    const ptrdiff_t ox = static_cast<ptrdiff_t>(j + g.pad_left / 2) + kLow;
    if (ox >= 0 && static_cast<size_t>(ox) + kInputs <= g.out_w && 2 * (j + kPairs) <= g.in_w) {
      pairs_tile<kPairs, kWidth, kFirst, false>(d, r, j, ox, {});
    } else {
      const Span inside = taps_inside(ox, 1, kInputs, g.out_w);
      pairs_tile<kPairs, kWidth, kFirst, true>(d, r, j, ox, inside);
    }
  }
}

// Kernels kWidth wide at stride 2, not dilated in width; kFirst as above.
template <int kWidth, int kFirst>
struct Pairs {
  template <class D>
  static HWY_INLINE void run(D d, const Row& r) {
    const size_t columns = r.geometry->in_w;
    if (columns > 6) return run_pairs<4, kWidth, kFirst>(d, r);
    if (columns > 2) return run_pairs<2, kWidth, kFirst>(d, r);
    run_pairs<1, kWidth, kFirst>(d, r);
  }
};

// One phase of the columns.
struct Phase {
  size_t first;  // column of dx
  size_t width;  // columns of dx
  Reach columns;
  Span inner;  // the columns all of whose outputs exist
};

// Columns [j, j + kColumns) of a phase, all of which take the t of `kx`.
template <int kColumns, class D>
HWY_INLINE void phase_tile(D d, const Row& r, const Phase& p, size_t j, Span kx) {
  const Conv2dGeometry& g = *r.geometry;
  hn::Vec<D> acc[kColumns];
  OCTET_UNROLL
  for (int i = 0; i < kColumns; ++i) acc[i] = hn::Zero(d);
  for (size_t ty = r.ky.begin; ty < r.ky.end; ++ty) {
    for (size_t tx = kx.begin; tx < kx.end; ++tx) {
      const size_t tap = r.tap_row(ty) + p.columns.first + tx * p.columns.step;
      const auto w = hn::Load(d, r.weight + tap * hn::MaxLanes(d));
      const ptrdiff_t ox = p.columns.out + static_cast<ptrdiff_t>(j) -
                           static_cast<ptrdiff_t>(tx * p.columns.out_step);
      const float* dy = r.dy_row(ty) + ox * static_cast<ptrdiff_t>(g.in_c);
      OCTET_UNROLL
      for (int i = 0; i < kColumns; ++i, dy += g.in_c)
        acc[i] = hn::MulAdd(hn::LoadU(d, dy), w, acc[i]);
    }
  }
  float* dx = r.dx + (p.first + j * g.stride_w) * g.in_c;
  OCTET_UNROLL
  for (int i = 0; i < kColumns; ++i, dx += g.stride_w * g.in_c) hn::StoreU(acc[i], d, dx);
}

// Any kernel and stride.
struct Phases {
  template <class D>
  static HWY_INLINE void run(D d, const Row& r) {
    const Conv2dGeometry& g = *r.geometry;
    for (size_t first = 0; first < HWY_MIN(g.stride_w, g.in_w); ++first) {
      const Reach columns = reach(first, g.pad_left, g.stride_w, g.dilation_w, g.kernel_w);
      const size_t width = (g.in_w - first + g.stride_w - 1) / g.stride_w;
      run_phase(d, r, {first, width, columns, columns.inner(width, g.out_w)});
    }
  }
  template <class D>
  static HWY_INLINE void run_phase(D d, const Row& r, const Phase& p) {
    constexpr size_t kColumns = 4;
    const size_t outputs = r.geometry->out_w;
    size_t j = 0;
    for (; j < p.inner.begin; ++j) phase_tile<1>(d, r, p, j, p.columns.inside(j, outputs));
    if (p.inner.end - p.inner.begin >= kColumns) {
      // The last step begins early and computes some columns again.
      for (; j < p.inner.end; j += kColumns)
        phase_tile<kColumns>(d, r, p, HWY_MIN(j, p.inner.end - kColumns), {0, p.columns.count});
      j = p.inner.end;
    }
    for (; j < p.width; ++j) phase_tile<1>(d, r, p, j, p.columns.inside(j, outputs));
  }
};

// Blocks [strip, strip_end) of row `row` of all images' dx.
template <class Form, class D>
HWY_INLINE void run_row(D d, const Conv2dGeometry& g, const Layout& l, const float* packed,
                        const float* dy, float* dx, size_t row, size_t strip, size_t strip_end) {
  Row r{};
  r.geometry = &g;
  r.rows = reach(row % g.in_h, g.pad_top, g.stride_h, g.dilation_h, g.kernel_h);
  r.ky = r.rows.inside(0, g.out_h);
  const ptrdiff_t dy_row = static_cast<ptrdiff_t>(row / g.in_h * g.out_h) + r.rows.out;
  for (size_t block = strip; block < strip_end; ++block) {
    const size_t channel = l.channel(block, g.in_c);
    r.dy = dy + dy_row * static_cast<ptrdiff_t>(g.out_w * g.in_c) + channel;
    r.weight = packed + block * l.block_floats() + l.lanes;
    r.dx = dx + row * g.in_w * g.in_c + channel;
    Form::run(d, r);
  }
}

// Rows [begin, end) of all images' dx.
template <class Form, class D>
void run_rows(D d, const Conv2dGeometry& g, const Layout& l, const float* packed, const float* dy,
              float* dx, Span rows) {
  for (size_t strip = 0; strip < l.blocks; strip += l.strip_blocks)
    for (size_t row = rows.begin; row < rows.end; ++row)
      run_row<Form>(d, g, l, packed, dy, dx, row, strip, HWY_MIN(strip + l.strip_blocks, l.blocks));
}

Layout layout(const Conv2dGeometry& g) {
  const Conv2dGeometry m = mirrored(g);
  Layout l = depthwise_f32::make_layout(m, hn::MaxLanes(DF()));
  depthwise_f32::choose_strips(l, m, m.out_w);  // rows are not cut here
  return l;
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
  const Span rows{HWY_MIN(begin * l.rows_per_task, l.rows), HWY_MIN(end * l.rows_per_task, l.rows)};
  const DF d;
  const auto is = [&](size_t width, size_t first) {
    return g.kernel_w == width && g.stride_w == 2 && g.dilation_w == 1 && g.pad_left % 2 == first;
  };
  if (l.lanes == hn::MaxLanes(d)) {
    if (is(3, 0)) return run_rows<Pairs<3, 0>>(d, g, l, packed, dy, dx, rows);
    if (is(3, 1)) return run_rows<Pairs<3, 1>>(d, g, l, packed, dy, dx, rows);
    if (is(5, 0)) return run_rows<Pairs<5, 0>>(d, g, l, packed, dy, dx, rows);
    if (is(5, 1)) return run_rows<Pairs<5, 1>>(d, g, l, packed, dy, dx, rows);
    return run_rows<Phases>(d, g, l, packed, dy, dx, rows);
  }
  if (l.lanes == 4) return run_rows<Phases>(hn::CappedTag<float, 4>(), g, l, packed, dy, dx, rows);
  run_rows<Phases>(hn::CappedTag<float, 1>(), g, l, packed, dy, dx, rows);
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
