// Start reading at depthwise_f32_dw_layout.h. Here: the two inner forms (kernels 3 and 5 wide with
// all sums of three kernel rows in registers, and any kernel), then the loops around them.
#include "kernels/depthwise_f32_dw.h"

#include <algorithm>

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

constexpr int kTapRows = 3;  // whose sums are in registers together

// One row of dy of one block of channels, and what some rows of the kernel see of it.
template <class X>
struct Row {
  const Conv2dGeometry* geometry;
  const X* input;
  const float* dy;         // column 0
  const typename X::T* x;  // tap row 0, column 0; may be above the image
  ptrdiff_t x_step;        // from one tap row to the next
  Span ky;                 // tap rows inside the image
};

// Adds the products of output columns [ox, ox + kColumns); each x is loaded once per tap row and
// used for every output that sees it. inside: the inputs of the tile that are in the image; looked
// at with kEdge only.
template <int kColumns, int kWidth, int kStride, bool kEdge, class D, class X>
HWY_INLINE void add_tile(D d, const Row<X>& r, size_t ox, ptrdiff_t ix, Span inside,
                         hn::Vec<D> (&acc)[kTapRows * kWidth]) {
  constexpr int kInputs = (kColumns - 1) * kStride + kWidth;
  const size_t channels = r.geometry->in_c;
  hn::Vec<D> dy[kColumns];
  OCTET_UNROLL
  for (int p = 0; p < kColumns; ++p) dy[p] = hn::LoadU(d, r.dy + (ox + p) * channels);
  OCTET_UNROLL
  for (int j = 0; j < kTapRows; ++j) {
    if (static_cast<size_t>(j) < r.ky.begin || static_cast<size_t>(j) >= r.ky.end) continue;
    const typename X::T* x = r.x + j * r.x_step + ix * static_cast<ptrdiff_t>(channels);
    OCTET_UNROLL
    for (int i = 0; i < kInputs; ++i) {
      const typename X::T* at = x;
      x += channels;
      if (kEdge && (static_cast<size_t>(i) < inside.begin || static_cast<size_t>(i) >= inside.end))
        continue;
      const auto v = r.input->load(d, at);
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
HWY_INLINE void add_columns(D d, const Row<X>& r, size_t ox, hn::Vec<D> (&acc)[kTapRows * kWidth]) {
  constexpr size_t kInputs = (kColumns - 1) * kStride + kWidth;
  const Conv2dGeometry& g = *r.geometry;
  const ptrdiff_t ix = static_cast<ptrdiff_t>(ox * kStride) - static_cast<ptrdiff_t>(g.pad_left);
  if (ix >= 0 && static_cast<size_t>(ix) + kInputs <= g.in_w) {
    add_tile<kColumns, kWidth, kStride, false>(d, r, ox, ix, {}, acc);
  } else {
    const Span inside = depthwise_f32::taps_inside(ix, 1, kInputs, g.in_w);
    add_tile<kColumns, kWidth, kStride, true>(d, r, ox, ix, inside, acc);
  }
}

// A strip's block of channels in a group of rows.
template <class X>
struct Block {
  const Conv2dGeometry* geometry;
  const X* input;
  const typename X::T* x;  // channel 0 of the block
  const float* dy;
  float* sums;  // [taps, lanes]
  Span rows;    // of all images' dy

  // What tap rows [first, first + count) see of row `row`.
  Row<X> at(size_t row, size_t first, size_t count) const {
    const Conv2dGeometry& g = *geometry;
    const ptrdiff_t x_row = static_cast<ptrdiff_t>(g.in_w * g.in_c);
    const ptrdiff_t n = static_cast<ptrdiff_t>(row / g.out_h);
    const ptrdiff_t iy = static_cast<ptrdiff_t>(row % g.out_h * g.stride_h + first * g.dilation_h) -
                         static_cast<ptrdiff_t>(g.pad_top);
    return {.geometry = geometry,
            .input = input,
            .dy = dy + row * g.out_w * g.in_c,
            .x = x + (n * static_cast<ptrdiff_t>(g.in_h) + iy) * x_row,
            .x_step = static_cast<ptrdiff_t>(g.dilation_h) * x_row,
            .ky = depthwise_f32::taps_inside(iy, g.dilation_h, count, g.in_h)};
  }
};

template <class D>
HWY_INLINE void add_to(D d, hn::Vec<D> v, float* sum) {
  hn::Store(hn::Add(hn::Load(d, sum), v), d, sum);
}

// Kernels kWidth wide, not dilated in width.
template <int kWidth, int kStride, class D, class X>
HWY_NOINLINE void add_block(D d, const Block<X>& b) {
  constexpr size_t kColumns = 4;
  const Conv2dGeometry& g = *b.geometry;
  for (size_t first = 0; first < g.kernel_h; first += kTapRows) {
    const size_t count = HWY_MIN(g.kernel_h - first, size_t{kTapRows});
    hn::Vec<D> acc[kTapRows * kWidth];
    OCTET_UNROLL
    for (int i = 0; i < kTapRows * kWidth; ++i) acc[i] = hn::Zero(d);
    for (size_t row = b.rows.begin; row < b.rows.end; ++row) {
      const Row<X> r = b.at(row, first, count);
      size_t ox = 0;
      for (; ox + kColumns <= g.out_w; ox += kColumns)
        add_columns<kColumns, kWidth, kStride>(d, r, ox, acc);
      for (; ox < g.out_w; ++ox) add_columns<1, kWidth, kStride>(d, r, ox, acc);
    }
    float* sum = b.sums + first * kWidth * hn::MaxLanes(d);
    OCTET_UNROLL
    for (int i = 0; i < kTapRows * kWidth; ++i)
      if (static_cast<size_t>(i) < count * kWidth) add_to(d, acc[i], sum + i * hn::MaxLanes(d));
  }
}

// Any kernel: tap after tap.
template <class D, class X>
HWY_NOINLINE void add_block_any(D d, const Block<X>& b) {
  const Conv2dGeometry& g = *b.geometry;
  const size_t x_step = g.stride_w * g.in_c;
  float* sum = b.sums;
  for (size_t ky = 0; ky < g.kernel_h; ++ky)
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      const ptrdiff_t ix =
          static_cast<ptrdiff_t>(kx * g.dilation_w) - static_cast<ptrdiff_t>(g.pad_left);
      const Span columns = depthwise_f32::taps_inside(ix, g.stride_w, g.out_w, g.in_w);
      hn::Vec<D> acc[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
      for (size_t row = b.rows.begin; row < b.rows.end; ++row) {
        const Row<X> r = b.at(row, ky, 1);
        if (r.ky.begin == r.ky.end) continue;
        const float* dy = r.dy + columns.begin * g.in_c;
        const typename X::T* x = r.x + ix * static_cast<ptrdiff_t>(g.in_c) + columns.begin * x_step;
        const auto add = [&](hn::Vec<D>& to) HWY_ATTR {
          to = hn::MulAdd(b.input->load(d, x), hn::LoadU(d, dy), to);
          x += x_step;
          dy += g.in_c;
        };
        size_t ox = columns.begin;
        for (; ox + 4 <= columns.end; ox += 4) {
          OCTET_UNROLL
          for (int i = 0; i < 4; ++i) add(acc[i]);
        }
        for (; ox < columns.end; ++ox) add(acc[0]);
      }
      add_to(d, hn::Add(hn::Add(acc[0], acc[1]), hn::Add(acc[2], acc[3])), sum);
      sum += hn::MaxLanes(d);
    }
}

template <class D, class X>
HWY_INLINE void add_block_best(D d, const Block<X>& b) {
  const Conv2dGeometry& g = *b.geometry;
  if constexpr (hn::MaxLanes(D()) == hn::MaxLanes(DF())) {  // short vectors: too rare for more code
    if (g.dilation_w == 1 && g.kernel_w == 3 && g.stride_w == 1) return add_block<3, 1>(d, b);
    if (g.dilation_w == 1 && g.kernel_w == 3 && g.stride_w == 2) return add_block<3, 2>(d, b);
    if (g.dilation_w == 1 && g.kernel_w == 5 && g.stride_w == 1) return add_block<5, 1>(d, b);
    if (g.dilation_w == 1 && g.kernel_w == 5 && g.stride_w == 2) return add_block<5, 2>(d, b);
  }
  add_block_any(d, b);
}

template <class D, class X>
void run_tasks(D d, const X& input, const Params& params, const Layout& l, float* partials,
               size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  for (size_t task = begin; task < end; ++task) {
    const size_t chunk = task / l.strips(), strip = task % l.strips() * l.strip_blocks;
    const size_t strip_end = HWY_MIN(strip + l.strip_blocks, l.blocks);
    const size_t chunk_end = HWY_MIN((chunk + 1) * l.rows_per_chunk, l.rows);
    float* sums = partials + chunk * l.chunk_floats();
    std::fill(sums + strip * l.taps * l.lanes, sums + strip_end * l.taps * l.lanes, 0.0f);
    for (size_t row = chunk * l.rows_per_chunk; row < chunk_end; row += l.rows_per_group) {
      for (size_t block = strip; block < strip_end; ++block) {
        const size_t channel = l.channel(block, g.in_c);
        add_block_best(d, Block<X>{.geometry = &g,
                                   .input = &input,
                                   .x = input.data + channel,
                                   .dy = params.dy + channel,
                                   .sums = sums + block * l.taps * l.lanes,
                                   .rows = {row, HWY_MIN(row + l.rows_per_group, chunk_end)}});
      }
    }
  }
}

template <class X>
void run_x(const X& x, const Params& params, float* partials, size_t begin, size_t end) {
  const Layout l = make_layout(params.geometry, hn::MaxLanes(DF()));
  if (l.lanes == hn::MaxLanes(DF())) {
    run_tasks(DF(), x, params, l, partials, begin, end);
  } else if (l.lanes == 4) {
    run_tasks(hn::CappedTag<float, 4>(), x, params, l, partials, begin, end);
  } else {
    run_tasks(hn::CappedTag<float, 1>(), x, params, l, partials, begin, end);
  }
}

void run(const Params& params, float* partials, size_t begin, size_t end) {
  if (params.x.f32) {
    run_x(Floats(params.x), params, partials, begin, end);
  } else {
    run_x(Bytes(params.x), params, partials, begin, end);
  }
}

Layout layout(const Params& params) { return make_layout(params.geometry, hn::MaxLanes(DF())); }

void finish(const Params& params, const float* partials, float* dw) {
  const Layout l = layout(params);
  const size_t chunks = l.chunks();
  const float scale = params.x.u8 ? params.x.scale : 1.0f;
  for (size_t block = 0; block < l.blocks; ++block) {
    float* to = dw + l.channel(block, params.geometry.in_c) * l.taps;
    for (size_t tap = 0; tap < l.taps; ++tap)
      for (size_t j = 0; j < l.lanes; ++j) {
        const float* from = partials + (block * l.taps + tap) * l.lanes + j;
        float sum = 0;
        for (size_t chunk = 0; chunk < chunks; ++chunk) sum += from[chunk * l.chunk_floats()];
        to[j * l.taps + tap] = sum * scale;
      }
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
  return {HWY_DYNAMIC_DISPATCH(layout)(params).tasks(), 0};
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
