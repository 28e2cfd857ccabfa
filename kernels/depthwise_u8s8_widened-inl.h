// depthwise_u8s8 for any kernel on x86: see "Widened" in depthwise_u8s8_layout.h. Here the pairs of
// rows are made, and the loops around the sums of depthwise_u8s8_window-inl.h.
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_WIDENED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_WIDENED_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_WIDENED_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_WIDENED_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_call-inl.h"
#include "kernels/depthwise_u8s8_window-inl.h"

#if OCTET_HAS_WIDENED
HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Channels of one column of two rows, less the zero point: a vector of them, and sixteen.
HWY_INLINE void widen_vector(const uint8_t* first, const uint8_t* second, hn::Vec<D16> zero_points,
                             int32_t* to) {
  const D16 d16;
  const D32 d32;
  const hn::Rebind<uint8_t, D32> bytes;
  const V32 pairs = hn::Or(hn::PromoteTo(d32, hn::LoadU(bytes, first)),
                           hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(bytes, second))));
  hn::Store(hn::BitCast(d32, hn::Sub(hn::BitCast(d16, pairs), zero_points)), d32, to);
}

HWY_INLINE void widen_16(const uint8_t* first, const uint8_t* second, hn::Vec<D16> zero_points,
                         int32_t* to) {
#if OCTET_IS_AVX3
  widen_vector(first, second, zero_points, to);
#else
  const D16 d16;
  const hn::Full128<uint8_t> bytes;
  const auto a = hn::LoadU(bytes, first), b = hn::LoadU(bytes, second);
  const auto store = [&](auto pairs, size_t channel) HWY_ATTR __attribute__((always_inline)) {
    hn::Store(hn::Sub(hn::PromoteTo(d16, pairs), zero_points), d16,
              reinterpret_cast<int16_t*>(to + channel));
  };
  const auto lower = hn::InterleaveLower(bytes, a, b), upper = hn::InterleaveUpper(bytes, a, b);
#if OCTET_IS_AVX2
  store(lower, 0);
  store(upper, 8);
#else
  const hn::Half<decltype(bytes)> half;
  store(hn::LowerHalf(half, lower), 0);
  store(hn::UpperHalf(half, lower), 4);
  store(hn::LowerHalf(half, upper), 8);
  store(hn::UpperHalf(half, upper), 12);
#endif
#endif
}

// The pairs of input rows under a band of output rows, for one strip of channels of one image, in a
// ring that turns by one where the next band shares all but one of them.
class WidenedRows {
 public:
  explicit WidenedRows(const Input& input)
      : input_(input),
        g_(input.params.geometry),
        columns_(g_),
        count_(input.layout.row_pairs),
        turns_(input.layout.rows * g_.stride_h == 2 * g_.dilation_h),
        rows_(reinterpret_cast<int32_t*>(input.workspace + Workspace(input.layout, g_).second)) {
    const size_t inside_end = columns_.left + columns_.inside;
    for (size_t p = 0; p < count_; ++p) {
      std::fill_n(row(p), columns_.left * kLanes, 0);
      std::fill_n(row(p) + inside_end * kLanes, (columns_.all - inside_end) * kLanes, 0);
    }
  }

  // Makes the pairs of the band that begins at output row oy, as far as they are inside the image.
  // follows: this was called for the band before.
  void move_to(const Strip& strip, size_t n, size_t oy, bool follows) {
    const ptrdiff_t top =
        static_cast<ptrdiff_t>(oy * g_.stride_h) - static_cast<ptrdiff_t>(g_.pad_top);
    const Span rows = taps_inside(top, g_.dilation_h, 2 * count_, g_.in_h);
    inside_ = {rows.begin / 2, (rows.end + 1) / 2};
    const bool shares = follows && turns_;
    if (shares) first_ = slot(1);
    for (size_t p = shares ? HWY_MAX(inside_.begin, count_ - 1) : inside_.begin; p < inside_.end;
         ++p)
      widen(strip, n, top + static_cast<ptrdiff_t>(2 * p * g_.dilation_h), row(slot(p)));
  }

  // The pairs that are inside the image, of those that the band sees.
  Span inside() const { return inside_; }
  const int32_t* pair(size_t p) const { return rows_ + slot(p) * row_words(); }
  // After the last in memory comes the first.
  size_t row_words() const { return columns_.all * kLanes; }
  const int32_t* end() const { return rows_ + count_ * row_words(); }

 private:
  size_t slot(size_t p) const {
    const size_t slot = first_ + p;
    return slot < count_ ? slot : slot - count_;
  }
  int32_t* row(size_t slot) { return rows_ + slot * row_words(); }

  // y: of the first row.
  void widen(const Strip& strip, size_t n, ptrdiff_t y, int32_t* to) {
    const auto row_at = [&](ptrdiff_t iy) {
      const size_t row = static_cast<size_t>(iy);  // above the image beyond in_h
      return strip.channel + (row < g_.in_h ? input_.x + (n * g_.in_h + row) * g_.in_w * g_.in_c
                                            : input_.zero_points);
    };
    const uint8_t* a = row_at(y);
    const uint8_t* b = row_at(y + static_cast<ptrdiff_t>(g_.dilation_h));
    to += columns_.left * kLanes;
    if (strip.width % kWords != 0) return widen_few(strip.width, a, b, to);
    const hn::Vec<D16> zero_points =
        hn::Set(D16(), static_cast<int16_t>(input_.params.x_zero_point));
    for (size_t i = 0; i < columns_.inside; ++i, a += g_.in_c, b += g_.in_c, to += kLanes) {
      if (HWY_LIKELY(strip.width == kLanes)) {
        OCTET_UNROLL
        for (size_t c = 0; c < kLanes; c += 16) widen_16(a + c, b + c, zero_points, to + c);
      } else {
        for (size_t c = 0; c < strip.width; c += kWords)
          widen_vector(a + c, b + c, zero_points, to + c);
      }
    }
  }

  // Less than a vector, or not whole ones: all channels that there are.
  void widen_few(size_t channels, const uint8_t* a, const uint8_t* b, int32_t* to) {
    const int32_t zero_point = input_.params.x_zero_point;
    for (size_t i = 0; i < columns_.inside; ++i, a += channels, b += channels, to += kLanes)
      for (size_t c = 0; c < channels; ++c)
        to[c] = ((a[c] - zero_point) & 0xFFFF) | (b[c] - zero_point) * 0x10000;
  }

  const Input& input_;
  const Conv2dGeometry& g_;
  const WidenedColumns columns_;
  const size_t count_;
  const bool turns_;
  int32_t* const rows_;
  size_t first_ = 0;
  Span inside_{};
};

// Sums of `columns` pixels to output. kWhole: of a block of channels; else of `width`.
template <bool kWhole, class Output>
HWY_INLINE void finish_window(const Output& output_, const int32_t* sums, const float* multipliers,
                              size_t columns, size_t width, size_t channels,
                              typename Output::Y* y) {
  using Y = typename Output::Y;
  const Output output = output_;  // a copy, which stores to y can't change
  VF multiplier[4];
  OCTET_UNROLL
  for (size_t j = 0; j < 4; ++j) multiplier[j] = hn::Load(DF(), multipliers + j * kWords);
  for (size_t p = 0; p < columns; ++p, y += channels, sums += kLanes) {
    V32 acc[4];
    OCTET_UNROLL
    for (size_t j = 0; j < 4; ++j) acc[j] = hn::Load(D32(), sums + j * kWords);
    if constexpr (kWhole) {
      output.store_plain(acc, multiplier, y);
    } else {
      Y whole[kLanes];
      output.store_plain(acc, multiplier, whole);
      // Sizes that the compiler knows are no call.
      if (width == kLanes / 2)
        std::memcpy(y, whole, kLanes / 2 * sizeof(Y));
      else if (width == kLanes / 4)
        std::memcpy(y, whole, kLanes / 4 * sizeof(Y));
      else
        std::memcpy(y, whole, width * sizeof(Y));
    }
  }
}

// Row r of a band, of a strip.
template <class Output>
void widened_row(const Call<Output>& call, const ColumnSteps& steps, const WidenedRows& rows,
                 const Strip& strip, const StripData& data, size_t r, int32_t* sums,
                 typename Output::Y* y) {
  const Conv2dGeometry& g = call.params.geometry;
  const Span pairs = rows.inside();
  const size_t row_pairs = call.layout.row_pairs;
  Window window{.x = nullptr,
                .x_end = rows.end(),
                .x_row = rows.row_words(),
                .x_ring = rows.row_words() * row_pairs,
                .weights = data.weights + (r * row_pairs + pairs.begin) * g.kernel_w * kLanes,
                .bias = data.bias,
                .pairs = pairs.end - pairs.begin,
                .taps = g.kernel_w,
                .vectors = divide_up(strip.width, kWords),
                .column_step = g.stride_w * kLanes,
                .tap_step = g.dilation_w * kLanes};
  const int32_t* x = rows.pair(pairs.begin);
  const size_t inputs = (steps.columns - 1) * g.stride_w + g.kernel_w;
  for (size_t done = 0; done < g.out_w; done += steps.columns) {
    // The last step begins early and computes some columns again.
    const size_t ox = HWY_MIN(done, g.out_w - steps.columns);
    const bool left = ox * g.stride_w + 2 <= g.pad_left;
    const bool right = ox * g.stride_w + inputs >= g.in_w + g.pad_left + steps.right;
    window.x = x + ox * window.column_step;
    steps.sum[left][right](window, sums);
    (strip.width == kLanes ? finish_window<true, Output>
                           : finish_window<false, Output>)(call.layer.output, sums, data.multiplier,
                                                           steps.columns, strip.width, g.in_c,
                                                           y + ox * g.in_c);
  }
}

// Output rows [begin, end) of image n, of all channels.
template <class Output>
void widened_rows(const Call<Output>& call, const ColumnSteps& steps, WidenedRows& rows, size_t n,
                  size_t begin, size_t end) {
  const Conv2dGeometry& g = call.params.geometry;
  HWY_ALIGN int32_t sums[kMostColumns * kLanes] = {};
  call.layout.for_each_strip(g.in_c, [&](const Strip& strip, size_t index) {
    const StripData data = call.strip_data(index);
    for (size_t oy = begin; oy < end; oy += call.layout.rows) {
      rows.move_to(strip, n, oy, oy != begin);
      for (size_t r = 0; r < HWY_MIN(call.layout.rows, end - oy); ++r)
        widened_row(call, steps, rows, strip, data, r, sums,
                    call.y + (n * g.out_h + oy + r) * g.out_w * g.in_c + strip.channel);
    }
  });
}

template <Dot kDot, class Output>
void run_widened(const Call<Output>& call, size_t begin, size_t end) {
  const Conv2dGeometry& g = call.params.geometry;
  const size_t task_rows = call.layout.task_rows(g.in_c);
  const size_t tasks_per_image = divide_up(g.out_h, task_rows);
  const ColumnSteps steps = column_steps<kDot>(g);
  WidenedRows rows(call);
  // Tasks of one image in one go: to begin one takes the pairs that bands share.
  while (begin < end) {
    const size_t n = begin / tasks_per_image, first = begin % tasks_per_image;
    const size_t last = HWY_MIN(first + (end - begin), tasks_per_image);
    widened_rows(call, steps, rows, n, first * task_rows, HWY_MIN(last * task_rows, g.out_h));
    begin += last - first;
  }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // OCTET_HAS_WIDENED

#endif  // per-target include guard
