// An output row of depthwise_f32, in two forms: kernels 3 and 5 wide with several columns per step,
// and any kernel.
#if defined(OCTET_KERNELS_DEPTHWISE_F32_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_F32_ROW_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_F32_ROW_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_F32_ROW_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/depthwise_f32_layout.h"
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
    // Each edge is code of its own. The narrowest images have both.
    constexpr bool kHasEdges = kWidth == 3 && kColumns >= 4;
    const Conv2dGeometry& g = *r.geometry;
    for (size_t done = r.columns.begin; done < r.columns.end; done += kColumns) {
      // The last step begins early and computes some columns again.
      const size_t ox = HWY_MIN(done, g.out_w - kColumns);
      const ptrdiff_t ix =
          static_cast<ptrdiff_t>(ox * kStride) - static_cast<ptrdiff_t>(g.pad_left);
      const ptrdiff_t right = ix + static_cast<ptrdiff_t>(kInputs) - static_cast<ptrdiff_t>(g.in_w);
      if (ix >= 0 && right <= 0) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<0, 0>());
      } else if (kHasEdges && ix == -1 && right <= 0) {
        columns_wide<kColumns, kWidth, kStride>(d, r, ox, ix, Edge<1, 0>());
      } else if (kHasEdges && ix >= 0 && right == 1) {
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

}  // namespace octet::kernels::depthwise_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
