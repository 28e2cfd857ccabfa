// Start reading at depthwise_f32_dw_layout.h. Here: the two inner forms (kernels 3 and 5 wide with
// all sums of three kernel rows in registers, and any kernel), then the loops around them.
#include "kernels/depthwise_f32_dw.h"

#include <algorithm>
#include <span>

#include "base/buffer.h"
#include "base/check.h"
#include "kernels/depthwise_f32_dw_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_f32_dw.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::depthwise_f32_dw::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

// The two kinds of x, each loaded as floats; bytes without their scale.
struct Floats {
  using T = float;
  explicit Floats(const Input& x) : data(x.f32) {}
  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, const float* p) const {
    return hn::LoadU(d, p);
  }
  const float* data;
};

struct Bytes {
  using T = uint8_t;
  explicit Bytes(const Input& x) : data(x.u8), zero_point(x.zero_point) {}
  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, const uint8_t* p) const {
    const hn::Rebind<int32_t, D> d32;
    const auto q = hn::PromoteTo(d32, hn::LoadU(hn::Rebind<uint8_t, D>(), p));
    return hn::ConvertTo(d, hn::Sub(q, hn::Set(d32, zero_point)));
  }
  const uint8_t* data;
  int32_t zero_point;
};

constexpr int kTapRows = 3;  // of the kernel, whose sums are in registers together

// One row of dy, and where tap rows [first, first + count) see it.
struct Row {
  size_t dy;    // of column 0 from the beginning of dy
  ptrdiff_t x;  // of the first tap row, column 0, from the beginning of x; may be above the image
  Span ky;      // tap rows inside the image, counted from the first
};

// A block of channels in a group of rows.
template <class X>
struct Block {
  const Conv2dGeometry* geometry;
  const X* input;
  std::span<const Row> rows;
  const typename X::T* x;  // channel 0 of the block
  const float* dy;
  ptrdiff_t x_step;  // from one tap row to the next
  float* sums;       // [taps, lanes], from the first tap row on
  size_t count;      // of tap rows
};

// Adds the products of output columns [ox, ox + kColumns); each x is loaded once per tap row and
// used for every output that sees it. inside: the inputs of the tile that are in the image; looked
// at with kEdge only.
template <int kColumns, int kWidth, int kStride, bool kEdge, class D, class X>
HWY_INLINE void add_tile(D d, const Block<X>& b, const Row& r, size_t ox, ptrdiff_t ix, Span inside,
                         hn::Vec<D> (&acc)[kTapRows * kWidth]) {
  constexpr int kInputs = (kColumns - 1) * kStride + kWidth;
  const size_t channels = b.geometry->in_c;
  hn::Vec<D> dy[kColumns];
  OCTET_UNROLL
  for (int p = 0; p < kColumns; ++p) dy[p] = hn::LoadU(d, b.dy + r.dy + (ox + p) * channels);
  const typename X::T* row = b.x + r.x + ix * static_cast<ptrdiff_t>(channels);
  OCTET_UNROLL
  for (int j = 0; j < kTapRows; ++j, row += b.x_step) {
    if (static_cast<size_t>(j) < r.ky.begin || static_cast<size_t>(j) >= r.ky.end) continue;
    const typename X::T* x = row;
    OCTET_UNROLL
    for (int i = 0; i < kInputs; ++i, x += channels) {
      if (kEdge && (static_cast<size_t>(i) < inside.begin || static_cast<size_t>(i) >= inside.end))
        continue;
      auto v = b.input->load(d, x);
      OCTET_KEEP_IN_REGISTER(v);  // not loaded again by each multiply-add
      OCTET_UNROLL
      for (int p = 0; p < kColumns; ++p) {
        const int kx = i - p * kStride;
        if (kx < 0 || kx >= kWidth) continue;
        acc[j * kWidth + kx] = hn::MulAdd(v, dy[p], acc[j * kWidth + kx]);
      }
    }
  }
}

template <int kColumns, int kWidth, int kStride, class D, class X>
HWY_INLINE void add_columns(D d, const Block<X>& b, const Row& r, size_t ox,
                            hn::Vec<D> (&acc)[kTapRows * kWidth]) {
  constexpr size_t kInputs = (kColumns - 1) * kStride + kWidth;
  const Conv2dGeometry& g = *b.geometry;
  const ptrdiff_t ix = static_cast<ptrdiff_t>(ox * kStride) - static_cast<ptrdiff_t>(g.pad_left);
  if (ix >= 0 && static_cast<size_t>(ix) + kInputs <= g.in_w) {
    add_tile<kColumns, kWidth, kStride, false>(d, b, r, ox, ix, {}, acc);
  } else {
    const Span inside = taps_inside(ix, 1, kInputs, g.in_w);
    add_tile<kColumns, kWidth, kStride, true>(d, b, r, ox, ix, inside, acc);
  }
}

template <class D>
HWY_INLINE void add_to(D d, hn::Vec<D> v, float* sum) {
  hn::Store(hn::Add(hn::Load(d, sum), v), d, sum);
}

// Kernels kWidth wide, not dilated in width; at most kTapRows tap rows.
template <int kWidth, int kStride>
struct Tiles {
  static constexpr size_t kRows = kTapRows;

  template <class D, class X>
  static HWY_NOINLINE void add(D d, const Block<X>& b) {
    const size_t width = b.geometry->out_w;
    hn::Vec<D> acc[kTapRows * kWidth];
    OCTET_UNROLL
    for (int i = 0; i < kTapRows * kWidth; ++i) acc[i] = hn::Zero(d);
    for (const Row& r : b.rows) {
      size_t ox = 0;
      for (; ox + 4 <= width; ox += 4) add_columns<4, kWidth, kStride>(d, b, r, ox, acc);
      if (ox + 2 <= width) {
        add_columns<2, kWidth, kStride>(d, b, r, ox, acc);
        ox += 2;
      }
      if (ox < width) add_columns<1, kWidth, kStride>(d, b, r, ox, acc);
    }
    OCTET_UNROLL
    for (int i = 0; i < kTapRows * kWidth; ++i)
      if (static_cast<size_t>(i) < b.count * kWidth)
        add_to(d, acc[i], b.sums + i * hn::MaxLanes(d));
  }
};

// Any kernel: tap after tap.
struct Taps {
  static constexpr size_t kRows = 1;

  template <class D, class X>
  static HWY_NOINLINE void add(D d, const Block<X>& b) {
    const Conv2dGeometry& g = *b.geometry;
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      const ptrdiff_t ix =
          static_cast<ptrdiff_t>(kx * g.dilation_w) - static_cast<ptrdiff_t>(g.pad_left);
      const Span columns = taps_inside(ix, g.stride_w, g.out_w, g.in_w);
      hn::Vec<D> acc[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
      for (const Row& r : b.rows) {
        const float* dy = b.dy + r.dy + columns.begin * g.in_c;
        const typename X::T* x = b.x + r.x +
                                 (ix + static_cast<ptrdiff_t>(columns.begin * g.stride_w)) *
                                     static_cast<ptrdiff_t>(g.in_c);
        const auto add_one = [&](hn::Vec<D>& to) HWY_ATTR {
          to = hn::MulAdd(b.input->load(d, x), hn::LoadU(d, dy), to);
          x += g.stride_w * g.in_c;
          dy += g.in_c;
        };
        size_t ox = columns.begin;
        for (; ox + 4 <= columns.end; ox += 4) {
          OCTET_UNROLL
          for (int i = 0; i < 4; ++i) add_one(acc[i]);
        }
        for (; ox < columns.end; ++ox) add_one(acc[0]);
      }
      add_to(d, hn::Add(hn::Add(acc[0], acc[1]), hn::Add(acc[2], acc[3])),
             b.sums + kx * hn::MaxLanes(d));
    }
  }
};

// Rows [begin, end) of all dy as tap rows [first, first + count) see them, without those they
// don't.
size_t plan_rows(const Conv2dGeometry& g, size_t begin, size_t end, size_t first, size_t count,
                 Row* rows) {
  size_t n = 0;
  for (size_t row = begin; row < end; ++row) {
    const size_t image = row / g.out_h, oy = row % g.out_h;
    const ptrdiff_t iy = static_cast<ptrdiff_t>(oy * g.stride_h + first * g.dilation_h) -
                         static_cast<ptrdiff_t>(g.pad_top);
    const Span ky = taps_inside(iy, g.dilation_h, count, g.in_h);
    if (ky.begin == ky.end) continue;
    const ptrdiff_t x_row = static_cast<ptrdiff_t>(image * g.in_h) + iy;
    rows[n++] = {.dy = row * g.out_w * g.in_c,
                 .x = x_row * static_cast<ptrdiff_t>(g.in_w * g.in_c),
                 .ky = ky};
  }
  return n;
}

// All blocks over rows [rows.begin, rows.end).
template <class Form, class D, class X>
HWY_INLINE void add_rows(D d, const X& input, const Params& params, const Layout& l, Span rows,
                         float* sums) {
  const Conv2dGeometry& g = params.geometry;
  for (size_t first = 0; first < g.kernel_h; first += Form::kRows) {
    const size_t count = HWY_MIN(g.kernel_h - first, Form::kRows);
    Row planned[Layout::kMostGroupRows];
    const size_t n = plan_rows(g, rows.begin, rows.end, first, count, planned);
    for (size_t block = 0; block < l.blocks; ++block) {
      const size_t channel = l.channel(block, g.in_c);
      Form::add(d, Block<X>{.geometry = &g,
                            .input = &input,
                            .rows = {planned, n},
                            .x = input.data + channel,
                            .dy = params.dy + channel,
                            .x_step = static_cast<ptrdiff_t>(g.dilation_h * g.in_w * g.in_c),
                            .sums = sums + (block * l.taps + first * g.kernel_w) * l.lanes,
                            .count = count});
    }
  }
}

template <class Form, class D, class X>
void run_tasks(D d, const X& input, const Params& params, const Layout& l, float* partials,
               Span tasks) {
  for (size_t task = tasks.begin; task < tasks.end; ++task) {
    const size_t end = HWY_MIN((task + 1) * l.rows_per_chunk, l.rows);
    float* sums = partials + task * l.chunk_floats();
    std::fill(sums, sums + l.chunk_floats(), 0.0f);
    for (size_t row = task * l.rows_per_chunk; row < end; row += l.rows_per_group)
      add_rows<Form>(d, input, params, l, {row, HWY_MIN(row + l.rows_per_group, end)}, sums);
  }
}

template <class X>
void run_x(const X& x, const Params& params, float* partials, Span tasks) {
  const Conv2dGeometry& g = params.geometry;
  const DF d;
  const Layout l = make_layout(g, hn::MaxLanes(d));
  const auto is = [&](size_t width, size_t stride) {
    return g.kernel_w == width && g.stride_w == stride && g.dilation_w == 1;
  };
  if (l.lanes == hn::MaxLanes(d)) {
    if (is(3, 1)) return run_tasks<Tiles<3, 1>>(d, x, params, l, partials, tasks);
    if (is(3, 2)) return run_tasks<Tiles<3, 2>>(d, x, params, l, partials, tasks);
    if (is(5, 1)) return run_tasks<Tiles<5, 1>>(d, x, params, l, partials, tasks);
    if (is(5, 2)) return run_tasks<Tiles<5, 2>>(d, x, params, l, partials, tasks);
    return run_tasks<Taps>(d, x, params, l, partials, tasks);
  }
  if (l.lanes == 4)
    return run_tasks<Taps>(hn::CappedTag<float, 4>(), x, params, l, partials, tasks);
  run_tasks<Taps>(hn::CappedTag<float, 1>(), x, params, l, partials, tasks);
}

void run(const Params& params, float* partials, size_t begin, size_t end) {
  if (params.x.f32) {
    run_x(Floats(params.x), params, partials, {begin, end});
  } else {
    run_x(Bytes(params.x), params, partials, {begin, end});
  }
}

Layout layout(const Params& params) { return make_layout(params.geometry, hn::MaxLanes(DF())); }

template <class D>
void finish_lanes(D d, const Layout& l, size_t channels, float scale, const float* partials,
                  float* dw) {
  HWY_ALIGN float sums[hn::MaxLanes(d)];
  for (size_t block = 0; block < l.blocks; ++block) {
    float* to = dw + l.channel(block, channels) * l.taps;
    for (size_t tap = 0; tap < l.taps; ++tap) {
      const float* from = partials + (block * l.taps + tap) * l.lanes;
      auto sum = hn::Zero(d);
      for (size_t chunk = 0; chunk < l.chunks(); ++chunk)
        sum = hn::Add(sum, hn::Load(d, from + chunk * l.chunk_floats()));
      hn::Store(hn::Mul(sum, hn::Set(d, scale)), d, sums);
      for (size_t j = 0; j < hn::MaxLanes(d); ++j) to[j * l.taps + tap] = sums[j];
    }
  }
}

void finish(const Params& params, const float* partials, float* dw) {
  const Layout l = layout(params);
  const size_t channels = params.geometry.in_c;
  const float scale = params.x.u8 ? params.x.scale : 1.0f;
  if (l.lanes == hn::MaxLanes(DF())) {
    finish_lanes(DF(), l, channels, scale, partials, dw);
  } else if (l.lanes == 4) {
    finish_lanes(hn::CappedTag<float, 4>(), l, channels, scale, partials, dw);
  } else {
    finish_lanes(hn::CappedTag<float, 1>(), l, channels, scale, partials, dw);
  }
}

}  // namespace octet::kernels::depthwise_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::depthwise_f32_dw {

HWY_EXPORT(layout);
HWY_EXPORT(run);
HWY_EXPORT(finish);

Work work(const Params& params) noexcept {
  return {HWY_DYNAMIC_DISPATCH(layout)(params).chunks(), 0};
}

size_t partials_bytes(const Params& params) noexcept {
  const Layout l = HWY_DYNAMIC_DISPATCH(layout)(params);
  return align_up(l.chunks() * l.chunk_floats() * sizeof(float));
}

void run(const Params& params, void* partials, void* /*workspace*/, size_t begin,
         size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  HWY_DYNAMIC_DISPATCH(run)(params, static_cast<float*>(partials), begin, end);
}

void finish(const Params& params, const void* partials, float* dw) noexcept {
  HWY_DYNAMIC_DISPATCH(finish)(params, static_cast<const float*>(partials), dw);
}

}  // namespace octet::kernels::depthwise_f32_dw
#endif  // HWY_ONCE
