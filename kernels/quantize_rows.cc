#include "kernels/quantize_rows.h"

#include <algorithm>
#include <limits>

#include "kernels/quantize_rows_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize_rows.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Elements of a row go by vectors of this many; the rest one by one, by the specification.
constexpr size_t kStep = hn::MaxLanes(DF());

float factor_of(const quantize_rows::Rows& rows, size_t row) {
  return rows.factor ? rows.factor[row] : 1.0f;
}

// round((w * f) * inverse), saturated just outside [lo, hi]; NaN below lo.
struct Rounder {
  VF factor, inverse, below, above;

  Rounder(float f, float scale, int32_t quant_min, int32_t quant_max)
      : factor(hn::Set(DF(), f)),
        inverse(hn::Set(DF(), 1.0f / scale)),
        below(hn::Set(DF(), static_cast<float>(quant_min - 1))),
        above(hn::Set(DF(), static_cast<float>(quant_max + 1))) {}

  HWY_INLINE V32 operator()(VF w) const {
    const VF scaled = hn::Mul(hn::Mul(w, factor), inverse);
    // A comparison, not Max: NaN becomes `below` on every target.
    const VF bounded = hn::Min(hn::IfThenElse(hn::Gt(scaled, below), scaled, below), above);
    return round_s32(bounded);
  }
};

void range_of_rows(const quantize_rows::Rows& rows, float* min, float* max, size_t begin,
                   size_t end) {
  const DF d;
  for (size_t o = begin; o < end; ++o) {
    const float* w = rows.w + o * rows.row_size;
    float lo = std::numeric_limits<float>::infinity(), hi = -lo, nan = 0.0f;
    VF least = hn::Set(d, lo), greatest = hn::Set(d, hi), zero = hn::Zero(d);
    size_t i = 0;
    for (; i + kStep <= rows.row_size; i += kStep) {
      const VF v = hn::LoadU(d, w + i);
      least = hn::Min(least, v);
      greatest = hn::Max(greatest, v);
      // x - x is 0 but for NaN and infinity, which it remembers.
      zero = hn::Add(zero, hn::Sub(v, v));
    }
    HWY_ALIGN float a[kStep], b[kStep], c[kStep];
    hn::Store(least, d, a);
    hn::Store(greatest, d, b);
    hn::Store(zero, d, c);
    for (size_t k = 0; k < kStep; ++k) {
      lo = std::min(lo, a[k]);
      hi = std::max(hi, b[k]);
      nan += c[k];
    }
    for (; i < rows.row_size; ++i) {
      lo = std::min(lo, w[i]);
      hi = std::max(hi, w[i]);
      nan += w[i] - w[i];
    }
    min[o] = lo + nan;
    max[o] = hi + nan;
  }
}

void quantize_s8_rows(const quantize_rows::Rows& rows, const quantize_rows::Grid& grid, int8_t* q,
                      size_t begin, size_t end) {
  const DF d;
  const V32 least = hn::Set(D32(), grid.quant_min), greatest = hn::Set(D32(), grid.quant_max);
  const hn::Rebind<int8_t, DF> d8;
  for (size_t o = begin; o < end; ++o) {
    const float f = factor_of(rows, o), scale = grid.scale[o];
    const Rounder round(f, scale, grid.quant_min, grid.quant_max);
    const float* w = rows.w + o * rows.row_size;
    int8_t* to = q + o * rows.row_size;
    size_t i = 0;
    for (; i + kStep <= rows.row_size; i += kStep) {
      const V32 rounded = round(hn::LoadU(d, w + i));
      hn::StoreU(hn::DemoteTo(d8, hn::Min(hn::Max(rounded, least), greatest)), d8, to + i);
    }
    for (; i < rows.row_size; ++i)
      to[i] = static_cast<int8_t>(
          ref::quantize_rows::quantize(w[i], f, scale, grid.quant_min, grid.quant_max));
  }
}

void dequantize_s8_rows(const int8_t* q, size_t row_size, const float* scale, float* w,
                        size_t begin, size_t end) {
  const DF d;
  const hn::Rebind<int8_t, DF> d8;
  for (size_t o = begin; o < end; ++o) {
    const VF s = hn::Set(d, scale[o]);
    const int8_t* from = q + o * row_size;
    float* to = w + o * row_size;
    size_t i = 0;
    for (; i + kStep <= row_size; i += kStep) {
      const V32 integers = hn::PromoteTo(D32(), hn::LoadU(d8, from + i));
      hn::StoreU(hn::Mul(hn::ConvertTo(d, integers), s), d, to + i);
    }
    for (; i < row_size; ++i) to[i] = static_cast<float>(from[i]) * scale[o];
  }
}

void backward_rows(const quantize_rows::Backward& b, const quantize_rows::Gradients& gradients,
                   size_t begin, size_t end) {
  const DF d;
  const auto [w_all, rows, n, factors] = b.rows;
  const V32 least = hn::Set(D32(), b.grid.quant_min), greatest = hn::Set(D32(), b.grid.quant_max);
  for (size_t o = begin; o < end; ++o) {
    const float f = factor_of(b.rows, o), scale = b.grid.scale[o], k = b.k[o];
    const Rounder round(f, scale, b.grid.quant_min, b.grid.quant_max);
    const float *w = w_all + o * n, *dq = b.dq + o * n;
    float* dw = gradients.dw + o * n;
    VF gw = hn::Zero(d), dqq = gw;
    size_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      const VF v = hn::LoadU(d, w + i), dy = hn::LoadU(d, dq + i);
      const V32 rounded = round(v);
      const V32 integer = hn::Min(hn::Max(rounded, least), greatest);
      const auto inside = hn::RebindMask(d, hn::Eq(rounded, integer));
      const VF g = hn::IfThenElseZero(inside, dy);
      gw = hn::MulAdd(g, v, gw);
      dqq = hn::MulAdd(dy, hn::ConvertTo(d, integer), dqq);
      hn::StoreU(hn::Mul(g, hn::Set(d, k)), d, dw + i);
    }
    HWY_ALIGN float a[kStep], c[kStep];
    hn::Store(gw, d, a);
    hn::Store(dqq, d, c);
    double g_dot_w = 0, dq_dot_q = 0;
    for (size_t j = 0; j < kStep; ++j) {
      g_dot_w += a[j];
      dq_dot_q += c[j];
    }
    for (; i < n; ++i) {
      using namespace ref::quantize_rows;
      const float dy = dq[i];
      const float g = passes(w[i], f, scale, b.grid.quant_min, b.grid.quant_max) ? dy : 0.0f;
      g_dot_w += double{g} * w[i];
      dq_dot_q += double{dy} *
                  ref::quantize_rows::quantize(w[i], f, scale, b.grid.quant_min, b.grid.quant_max);
      dw[i] = g * k;
    }
    gradients.g_dot_w[o] = g_dot_w;
    gradients.dq_dot_q[o] = dq_dot_q;
  }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(range_of_rows);
HWY_EXPORT(quantize_s8_rows);
HWY_EXPORT(dequantize_s8_rows);
HWY_EXPORT(backward_rows);

namespace quantize_rows {

void range(const Rows& rows, float* min, float* max, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(range_of_rows)(rows, min, max, begin, end);
}

void quantize(const Rows& rows, const Grid& grid, int8_t* q, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(quantize_s8_rows)(rows, grid, q, begin, end);
}

void dequantize(const int8_t* q, size_t row_size, const float* scale, float* w, size_t begin,
                size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(dequantize_s8_rows)(q, row_size, scale, w, begin, end);
}

void backward(const Backward& backward, const Gradients& gradients, size_t begin,
              size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(backward_rows)(backward, gradients, begin, end);
}

}  // namespace quantize_rows
}  // namespace octet::kernels
#endif  // HWY_ONCE
