// The sums of depthwise_u8s8's widened pairs: the inner loops, and which of them a layer takes.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_WINDOW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_WINDOW_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_WINDOW_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_WINDOW_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_layout.h"
#include "kernels/depthwise_u8s8_output-inl.h"
#include "kernels/dot_quad-inl.h"

#if OCTET_HAS_WIDENED
HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Columns that are summed at once, at most.
constexpr size_t kMostColumns = 7;

// Some columns of an output row, of a strip.
struct Window {
  const int32_t* x;  // the first pair of rows inside the image, at the first column's first tap
  const int32_t* x_end;
  size_t x_row, x_ring;    // words of a pair of rows, and of all
  const int32_t* weights;  // of that pair
  const int32_t* bias;
  size_t pairs, taps, vectors;
  size_t column_step, tap_step;  // words
};

// Adds the products of a pair of rows to kColumns sums of one vector of channels: each column of
// the input is loaded once and used for every output that sees it. The first kLeft and the last
// kRight are zero.
template <Dot kDot, int kWidth, int kStride, int kLeft, int kRight, int kColumns>
HWY_INLINE void add_pair(const int32_t* x, const int32_t* weights, V32 (&acc)[kColumns]) {
  const D32 d32;
  constexpr int kInputs = (kColumns - 1) * kStride + kWidth;
  V32 taps[kWidth];
  OCTET_UNROLL
  for (int kx = 0; kx < kWidth; ++kx) taps[kx] = hn::Load(d32, weights + kx * kLanes);
  OCTET_UNROLL
  for (int i = kLeft; i < kInputs - kRight; ++i) {
    V32 v = hn::Load(d32, x + i * kLanes);
    OCTET_KEEP_IN_REGISTER(v);  // not loaded again for each product
    OCTET_UNROLL
    for (int p = 0; p < kColumns; ++p) {
      const int kx = i - p * kStride;
      if (kx < 0 || kx >= kWidth) continue;
      acc[p] = dot_pair<kDot>(v, taps[kx], acc[p]);
    }
  }
}

// The same for any kernel and stride.
template <Dot kDot, int kColumns>
HWY_INLINE void add_pair_any(const Window& window, const int32_t* x, const int32_t* weights,
                             V32 (&acc)[kColumns]) {
  const D32 d32;
  for (size_t kx = 0; kx < window.taps; ++kx, x += window.tap_step, weights += kLanes) {
    const V32 w = hn::Load(d32, weights);
    const int32_t* at = x;
    OCTET_UNROLL
    for (int p = 0; p < kColumns; ++p, at += window.column_step)
      acc[p] = dot_pair<kDot>(hn::Load(d32, at), w, acc[p]);
  }
}

// sums: [kColumns][kLanes]. kWidth 0: any.
template <Dot kDot, int kColumns, int kWidth, int kStride, int kLeft, int kRight>
HWY_NOINLINE void sum_window(const Window& window_, int32_t* sums) {
  const D32 d32;
  const Window window = window_;
  for (size_t j = 0; j < window.vectors; ++j) {
    V32 acc[kColumns];
    const V32 bias = hn::Load(d32, window.bias + j * kWords);
    OCTET_UNROLL
    for (int p = 0; p < kColumns; ++p) acc[p] = bias;
    const int32_t* x = window.x + j * kWords;
    const int32_t* weights = window.weights + j * kWords;
    for (size_t p = 0; p < window.pairs; ++p) {
      if constexpr (kWidth == 0)
        add_pair_any<kDot>(window, x, weights, acc);
      else
        add_pair<kDot, kWidth, kStride, kLeft, kRight>(x, weights, acc);
      weights += window.taps * kLanes;
      x += window.x_row;
      if (x >= window.x_end) x -= window.x_ring;
    }
    OCTET_UNROLL
    for (int p = 0; p < kColumns; ++p) hn::Store(acc[p], d32, sums + p * kLanes + j * kWords);
  }
}

using SumWindow = void (*)(const Window&, int32_t*);

// How the columns of an output row are summed.
struct ColumnSteps {
  size_t columns;  // at once
  size_t right;
  // [two or more of their inputs are left of the image][`right` or more are right of it]
  SumWindow sum[2][2];
};

template <Dot kDot, int kColumns, int kWidth, int kStride>
ColumnSteps steps_of() {
  const SumWindow sum = &sum_window<kDot, kColumns, kWidth, kStride, 0, 0>;
  return {kColumns, 1, {{sum, sum}, {sum, sum}}};
}

// 7 columns, a kernel of 5 padded by 2: the zeros are left out.
template <Dot kDot, int kStride, int kRight>
ColumnSteps steps_between_edges() {
  return {7,
          kRight,
          {{&sum_window<kDot, 7, 5, kStride, 0, 0>, &sum_window<kDot, 7, 5, kStride, 0, kRight>},
           {&sum_window<kDot, 7, 5, kStride, 2, 0>, &sum_window<kDot, 7, 5, kStride, 2, kRight>}}};
}

template <Dot kDot>
ColumnSteps column_steps(const Conv2dGeometry& g) {
  if (g.out_w < 4) return steps_of<kDot, 1, 0, 0>();
  // 7 divides the maps of networks with 224 x 224 inputs.
  const auto computed = [&](size_t n) { return divide_up(g.out_w, n) * n; };
  const bool seven = g.out_w >= 7 && computed(7) <= computed(4);
  const size_t stride = g.kernel_w == 5 && g.dilation_w == 1 ? g.stride_w : 0;
  if (stride == 1) return seven ? steps_between_edges<kDot, 1, 2>() : steps_of<kDot, 4, 5, 1>();
  if (stride == 2) return seven ? steps_between_edges<kDot, 2, 1>() : steps_of<kDot, 4, 5, 2>();
  return seven ? steps_of<kDot, 7, 0, 0>() : steps_of<kDot, 4, 0, 0>();
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // OCTET_HAS_WIDENED

#endif  // per-target include guard
