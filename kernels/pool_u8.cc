#include "kernels/pool_u8.h"

#include <cstring>

#include "kernels/pool_u8_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool_u8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void max_pool_u8(const pool_u8::Params& params, const uint8_t* x, uint8_t* y, size_t begin,
                 size_t end) {
  ref::pool_u8::max(params, x, y, begin, end);
}

void avg_pool_u8(const pool_u8::Params& params, const uint8_t* x, uint8_t* y, size_t begin,
                 size_t end) {
  ref::pool_u8::avg(params, x, y, begin, end);
}

#else

// One output pixel's window in memory.
struct PoolWindow {
  const uint8_t* x;  // channel 0 of the first position
  size_t rows, columns;
  size_t row_step, column_step;  // in bytes
  size_t divisor;                // of an average
};

// Calls f(window, y of the pixel) for the output rows [begin, end) of the batch.
template <class F>
HWY_INLINE void for_each_pixel(const PoolGeometry& pool, const uint8_t* x, uint8_t* y, size_t begin,
                               size_t end, const F& f) {
  const Conv2dGeometry& g = pool.geometry;
  const size_t row = g.in_w * g.in_c;
  for (size_t task = begin; task < end; ++task) {
    const uint8_t* image = x + task / g.out_h * g.in_h * row;
    const PoolGeometry::Window rows = pool.rows(task % g.out_h);
    for (size_t ox = 0; ox < g.out_w; ++ox) {
      const PoolGeometry::Window columns = pool.columns(ox);
      const bool empty = rows.count() == 0 || columns.count() == 0;
      f(PoolWindow{empty ? x : image + rows.first * row + columns.first * g.in_c,
                   empty ? 0 : rows.count(), columns.count(), rows.step * row,
                   columns.step * g.in_c, pool.divisor(rows, columns)},
        y + (task * g.out_w + ox) * g.in_c);
    }
  }
}

// kBlocks vectors of channels at once, so that the loop over the window costs little.
template <size_t kBlocks, class D>
HWY_INLINE void max_block(D d, const PoolWindow& w, size_t c, const OutputRange& range,
                          uint8_t* y) {
  constexpr size_t kLanes = hn::MaxLanes(D());
  hn::Vec<D> m[kBlocks];
  for (auto& v : m) v = hn::Set(d, static_cast<uint8_t>(range.quant_min));
  for (size_t i = 0; i < w.rows; ++i) {
    const uint8_t* p = w.x + i * w.row_step + c;
    for (size_t j = 0; j < w.columns; ++j, p += w.column_step)
      for (size_t k = 0; k < kBlocks; ++k) m[k] = hn::Max(m[k], hn::LoadU(d, p + k * kLanes));
  }
  const auto hi = hn::Set(d, static_cast<uint8_t>(range.quant_max));
  for (size_t k = 0; k < kBlocks; ++k) hn::StoreU(hn::Min(m[k], hi), d, y + c + k * kLanes);
}

// All channels of one pixel: whole vectors of D, the last of them overlapping; with fewer channels
// than a vector has lanes, narrower vectors.
template <class D>
HWY_INLINE void max_pixel(D d, const PoolWindow& w, size_t channels, const OutputRange& range,
                          uint8_t* y) {
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes > 1) {
    if (channels < kLanes)
      return max_pixel(hn::CappedTag<uint8_t, (kLanes > 16 ? 16 : kLanes / 4)>(), w, channels,
                       range, y);
  }
  size_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) max_block<4>(d, w, c, range, y);
  for (; c + kLanes <= channels; c += kLanes) max_block<1>(d, w, c, range, y);
  if (c < channels) max_block<1>(d, w, channels - kLanes, range, y);
}

void max_pool_u8(const pool_u8::Params& params, const uint8_t* x, uint8_t* y, size_t begin,
                 size_t end) {
  for_each_pixel(params.pool, x, y, begin, end, [&](const PoolWindow& w, uint8_t* pixel) HWY_ATTR {
    max_pixel(D8(), w, params.pool.geometry.in_c, params.range, pixel);
  });
}

// Sums of one vector of channels. Interleaving with zero widens; pack_u8_blocks undoes its order.
class ChannelSums {
 public:
  HWY_INLINE explicit ChannelSums(int32_t start) {
    for (V32& s : sum_) s = hn::Set(D32(), start);
    lower_ = upper_ = hn::Zero(d16_);
  }

  HWY_INLINE void add(V8 x) {
    const D8 d8;
    const V8 zero = hn::Zero(d8);
    lower_ = hn::Add(lower_, hn::BitCast(d16_, hn::InterleaveLower(d8, x, zero)));
    upper_ = hn::Add(upper_, hn::BitCast(d16_, hn::InterleaveUpper(d8, x, zero)));
    if (++pending_ == kMaxPending) flush();
  }

  HWY_INLINE V8 finish(float multiplier, const RangeVectors& range) {
    flush();
    const VF m = hn::Set(DF(), multiplier);
    return pack_u8_blocks(scale_s32(sum_[0], m), scale_s32(sum_[1], m), scale_s32(sum_[2], m),
                          scale_s32(sum_[3], m), range);
  }

 private:
  static constexpr int kMaxPending = 257;  // 257 * 255 = 2^16 - 1

  HWY_INLINE void flush() {
    const D32 d32;
    const auto zero = hn::Zero(d16_);
    sum_[0] = hn::Add(sum_[0], hn::BitCast(d32, hn::InterleaveLower(d16_, lower_, zero)));
    sum_[1] = hn::Add(sum_[1], hn::BitCast(d32, hn::InterleaveUpper(d16_, lower_, zero)));
    sum_[2] = hn::Add(sum_[2], hn::BitCast(d32, hn::InterleaveLower(d16_, upper_, zero)));
    sum_[3] = hn::Add(sum_[3], hn::BitCast(d32, hn::InterleaveUpper(d16_, upper_, zero)));
    lower_ = upper_ = zero;
    pending_ = 0;
  }

  using DU16 = hn::RebindToUnsigned<D16>;
  static constexpr DU16 d16_{};
  V32 sum_[4];
  hn::Vec<DU16> lower_, upper_;
  int pending_ = 0;
};

// The average of channels [c, c + n) of one pixel; n is a whole vector or all there are.
HWY_INLINE void avg_block(const PoolWindow& w, size_t c, size_t n, const uint8_t* x_end,
                          const pool_u8::Params& params, const RangeVectors& range, uint8_t* y) {
  const D8 d8;
  const size_t lanes = hn::Lanes(d8);
  ChannelSums sums(-static_cast<int32_t>(w.rows * w.columns) * params.x_zero_point);
  HWY_ALIGN uint8_t copy[HWY_MAX_BYTES] = {};
  for (size_t i = 0; i < w.rows; ++i) {
    const uint8_t* p = w.x + i * w.row_step + c;
    for (size_t j = 0; j < w.columns; ++j, p += w.column_step) {
      // Reading the next pixel's channels does no harm, reading past the tensor would.
      if (lanes <= static_cast<size_t>(x_end - p)) {
        sums.add(hn::LoadU(d8, p));
      } else {
        std::memcpy(copy, p, n);
        sums.add(hn::Load(d8, copy));
      }
    }
  }
  const V8 mean = sums.finish(ref::pool_u8::multiplier(params, w.divisor), range);
  if (n == lanes) {
    hn::StoreU(mean, d8, y + c);
  } else {
    hn::Store(mean, d8, copy);
    std::memcpy(y + c, copy, n);
  }
}

void avg_pool_u8(const pool_u8::Params& params, const uint8_t* x, uint8_t* y, size_t begin,
                 size_t end) {
  const Conv2dGeometry& g = params.pool.geometry;
  const size_t lanes = hn::Lanes(D8());
  const uint8_t* x_end = x + g.batch * g.in_h * g.in_w * g.in_c;
  const RangeVectors range(params.range);
  for_each_pixel(params.pool, x, y, begin, end, [&](const PoolWindow& w, uint8_t* pixel) HWY_ATTR {
    const size_t n = std::min(lanes, g.in_c);
    size_t c = 0;
    for (; c + n <= g.in_c; c += n) avg_block(w, c, n, x_end, params, range, pixel);
    if (c < g.in_c) avg_block(w, g.in_c - n, n, x_end, params, range, pixel);
  });
}

#endif

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(max_pool_u8);
HWY_EXPORT(avg_pool_u8);

namespace pool_u8 {

// A task is an output row.
Work work(const Params& params) noexcept {
  return {params.pool.geometry.batch * params.pool.geometry.out_h, 0};
}

void max(const Params& params, const uint8_t* x, uint8_t* y, void*, size_t begin,
         size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(max_pool_u8)(params, x, y, begin, end);
}

void avg(const Params& params, const uint8_t* x, uint8_t* y, void*, size_t begin,
         size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(avg_pool_u8)(params, x, y, begin, end);
}

}  // namespace pool_u8
}  // namespace octet::kernels
#endif  // HWY_ONCE
