#include "kernels/add_u8_grad.h"

#include <algorithm>

#include "kernels/add_u8_grad_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/add_u8_grad.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// Elements go by vectors of this many; the rest one by one, by the specification.
constexpr size_t kStep = hn::MaxLanes(DF());

struct Sum {
  V32 a_zero, b_zero;
  VF a_scale, b_scale;

  explicit Sum(const add_u8_grad::Params& p)
      : a_zero(hn::Set(D32(), p.a.zero_point)),
        b_zero(hn::Set(D32(), p.b.zero_point)),
        a_scale(hn::Set(DF(), p.a.scale)),
        b_scale(hn::Set(DF(), p.b.scale)) {}

  HWY_INLINE VF operator()(const uint8_t* a, const uint8_t* b) const {
    return hn::Add(real(a, a_zero, a_scale), real(b, b_zero, b_scale));
  }

  static HWY_INLINE VF real(const uint8_t* q, V32 zero, VF scale) {
    const hn::Rebind<uint8_t, DF> d8;
    const V32 integers = hn::PromoteTo(D32(), hn::LoadU(d8, q));
    return hn::Mul(hn::ConvertTo(DF(), hn::Sub(integers, zero)), scale);
  }
};

add_u8_grad::Range range_of_sum(const add_u8_grad::Params& p, const uint8_t* a, const uint8_t* b,
                                size_t n) {
  const DF d;
  const Sum sum(p);
  const VF lo = hn::Set(d, p.lo), hi = hn::Set(d, p.hi);
  add_u8_grad::Range range;
  VF least = hn::Set(d, range.min), greatest = hn::Set(d, range.max);
  size_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    const VF v = hn::Min(hn::Max(sum(a + i, b + i), lo), hi);
    least = hn::Min(least, v);
    greatest = hn::Max(greatest, v);
  }
  HWY_ALIGN float min[kStep], max[kStep];
  hn::Store(least, d, min);
  hn::Store(greatest, d, max);
  range.min = *std::min_element(min, min + kStep);
  range.max = *std::max_element(max, max + kStep);
  for (; i < n; ++i) {
    const float v = ref::add_u8_grad::clamped(p, a[i], b[i]);
    range.min = std::min(range.min, v);
    range.max = std::max(range.max, v);
  }
  return range;
}

void pass_gradients(const add_u8_grad::Params& p, const uint8_t* a, const uint8_t* b,
                    const float* dy, float* dx, size_t n) {
  const DF d;
  const Sum sum(p);
  const VF lo = hn::Set(d, p.lo), hi = hn::Set(d, p.hi), inverse = hn::Set(d, 1.0f / p.y.scale);
  const int32_t least = p.y.quant_min - p.y.zero_point, most = p.y.quant_max - p.y.zero_point;
  // Whether it is outside is all there is to know of a value outside.
  const VF below = hn::Set(d, static_cast<float>(least - 1));
  const VF above = hn::Set(d, static_cast<float>(most + 1));
  const V32 first = hn::Set(D32(), least - 1), last = hn::Set(D32(), most + 1);
  size_t i = 0;
  for (; i + kStep <= n; i += kStep) {
    const VF v = sum(a + i, b + i);
    const V32 steps = round_s32(hn::Min(hn::Max(hn::Mul(v, inverse), below), above));
    const auto in_range = hn::And(hn::Gt(steps, first), hn::Lt(steps, last));
    const auto open = hn::And(hn::Gt(v, lo), hn::Lt(v, hi));
    const VF g = hn::IfThenElseZero(hn::RebindMask(d, in_range), hn::LoadU(d, dy + i));
    hn::StoreU(hn::IfThenElseZero(open, g), d, dx + i);
  }
  for (; i < n; ++i) dx[i] = ref::add_u8_grad::passes(p, a[i], b[i]) ? dy[i] : 0.0f;
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(range_of_sum);
HWY_EXPORT(pass_gradients);

namespace add_u8_grad {

Range range(const Params& params, const uint8_t* a, const uint8_t* b, size_t n) noexcept {
  return HWY_DYNAMIC_DISPATCH(range_of_sum)(params, a, b, n);
}

void backward(const Params& params, const uint8_t* a, const uint8_t* b, const float* dy, float* dx,
              size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(pass_gradients)(params, a, b, dy, dx, n);
}

}  // namespace add_u8_grad
}  // namespace octet::kernels
#endif  // HWY_ONCE
