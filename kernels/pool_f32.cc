#include "kernels/pool_f32.h"

#include <limits>

#include "kernels/pool_f32_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// One output pixel's window in memory.
struct PoolWindow {
  const float* x;  // channel 0 of the first position
  size_t rows, columns;
  size_t row_step, column_step;  // in floats
  float scale;                   // of an average
};

// The two ways to reduce a window: start, take one more value, finish.
struct MaxOp {
  template <class D>
  static hn::Vec<D> start(D d) {
    return hn::Set(d, -std::numeric_limits<float>::infinity());
  }
  // Not Max: its answer for NaN and for zeros of both signs depends on the target.
  template <class V>
  static HWY_INLINE V take(V m, V x) {
    return hn::IfThenElse(hn::Or(hn::Gt(x, m), hn::Not(hn::Eq(x, x))), x, m);
  }
  template <class D>
  static hn::Vec<D> finish(D, hn::Vec<D> m, float) {
    return m;
  }
};

struct AvgOp {
  template <class D>
  static hn::Vec<D> start(D d) {
    return hn::Zero(d);
  }
  template <class V>
  static HWY_INLINE V take(V sum, V x) {
    return hn::Add(sum, x);
  }
  template <class D>
  static hn::Vec<D> finish(D d, hn::Vec<D> sum, float scale) {
    return hn::Mul(sum, hn::Set(d, scale));
  }
};

// All channels of one pixel: whole vectors of D, the last of them overlapping; with fewer channels
// than a vector has lanes, narrower vectors.
template <class Op, class D>
HWY_INLINE void pool_pixel(D d, const PoolWindow& w, size_t channels, float* y) {
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes > 1) {
    if (channels < kLanes)
      return pool_pixel<Op>(hn::CappedTag<float, (kLanes > 4 ? 4 : 1)>(), w, channels, y);
  }
  for (size_t c = 0;;) {
    auto sum = Op::start(d);
    for (size_t i = 0; i < w.rows; ++i) {
      const float* p = w.x + i * w.row_step + c;
      for (size_t j = 0; j < w.columns; ++j)
        sum = Op::take(sum, hn::LoadU(d, p + j * w.column_step));
    }
    hn::StoreU(Op::finish(d, sum, w.scale), d, y + c);
    if (c + kLanes >= channels) break;
    c = c + 2 * kLanes <= channels ? c + kLanes : channels - kLanes;
  }
}

template <class Op>
HWY_INLINE void pool_rows(const pool_f32::Params& params, const float* x, float* y, size_t begin,
                          size_t end) {
  const Conv2dGeometry& g = params.pool.geometry;
  const size_t row = g.in_w * g.in_c;
  for (size_t task = begin; task < end; ++task) {
    const float* image = x + task / g.out_h * g.in_h * row;
    const PoolGeometry::Window rows = params.pool.rows(task % g.out_h);
    for (size_t ox = 0; ox < g.out_w; ++ox) {
      const PoolGeometry::Window columns = params.pool.columns(ox);
      const bool empty = rows.count() == 0 || columns.count() == 0;
      const PoolWindow window{empty ? x : image + rows.first * row + columns.first * g.in_c,
                              rows.count(),
                              columns.count(),
                              rows.step * row,
                              columns.step * g.in_c,
                              ref::pool_f32::scale(params.pool.divisor(rows, columns))};
      pool_pixel<Op>(hn::ScalableTag<float>(), window, g.in_c, y + (task * g.out_w + ox) * g.in_c);
    }
  }
}

void max_pool_f32(const pool_f32::Params& params, const float* x, float* y, size_t begin,
                  size_t end) {
  pool_rows<MaxOp>(params, x, y, begin, end);
}

void avg_pool_f32(const pool_f32::Params& params, const float* x, float* y, size_t begin,
                  size_t end) {
  pool_rows<AvgOp>(params, x, y, begin, end);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(max_pool_f32);
HWY_EXPORT(avg_pool_f32);

namespace pool_f32 {

// A task is an output row.
Work work(const Params& params) noexcept {
  return {params.pool.geometry.batch * params.pool.geometry.out_h, 0};
}

void max(const Params& params, const float* x, float* y, void*, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(max_pool_f32)(params, x, y, begin, end);
}

void avg(const Params& params, const float* x, float* y, void*, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(avg_pool_f32)(params, x, y, begin, end);
}

}  // namespace pool_f32
}  // namespace octet::kernels
#endif  // HWY_ONCE
