#include "kernels/quantize.h"

#include <cstring>

#include "kernels/quantize_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void quantize_u8(const float* x, uint8_t* q, size_t n, const QParams& qparams) {
  for (size_t i = 0; i < n; ++i) q[i] = ref::quantize::quantize(x[i], qparams);
}

void dequantize_u8(const uint8_t* q, float* x, size_t n, const QParams& qparams) {
  for (size_t i = 0; i < n; ++i) x[i] = ref::quantize::dequantize(q[i], qparams);
}

void clamp_u8(const uint8_t* x, uint8_t* y, size_t n, uint8_t quant_min, uint8_t quant_max) {
  for (size_t i = 0; i < n; ++i) y[i] = ref::quantize::clamp(x[i], quant_min, quant_max);
}

#else

// Calls step(in, out) for each vector of N elements; the rest goes through padded copies.
template <size_t N, class In, class Out, class Step>
HWY_INLINE void for_each_vector(const In* in, Out* out, size_t n, const Step& step) {
  size_t i = 0;
  for (; i + N <= n; i += N) step(in + i, out + i);
  if (i == n) return;
  HWY_ALIGN In in_rest[N] = {};
  HWY_ALIGN Out out_rest[N];
  std::memcpy(in_rest, in + i, (n - i) * sizeof(In));
  step(in_rest, out_rest);
  std::memcpy(out + i, out_rest, (n - i) * sizeof(Out));
}

constexpr size_t kBytes = hn::MaxLanes(D8());
constexpr size_t kWords = kBytes / 4;

void quantize_u8(const float* x, uint8_t* q, size_t n, const QParams& qparams) {
  const DF df;
  const VF inv_scale = hn::Set(df, 1.0f / qparams.scale);
  // Clamping before rounding gives the same integer, because the bounds are integers (exact in
  // f32) and rounding is monotone; and it keeps the conversion to s32 in its range.
  const VF lo = hn::Set(df, static_cast<float>(qparams.quant_min - qparams.zero_point));
  const VF hi = hn::Set(df, static_cast<float>(qparams.quant_max - qparams.zero_point));
  const RangeVectors range(OutputRange{qparams.zero_point, qparams.quant_min, qparams.quant_max});
  const auto round = [&](const float* p) HWY_ATTR {
    const VF scaled = hn::Mul(hn::LoadU(df, p), inv_scale);
    // A comparison, not Max: NaN becomes lo on every target.
    const VF above = hn::IfThenElse(hn::Ge(scaled, lo), scaled, lo);
    return round_s32(hn::Min(above, hi));
  };
  for_each_vector<kBytes>(x, q, n, [&](const float* in, uint8_t* out) HWY_ATTR {
    hn::StoreU(pack_u8(round(in), round(in + kWords), round(in + 2 * kWords),
                       round(in + 3 * kWords), range),
               D8(), out);
  });
}

void dequantize_u8(const uint8_t* q, float* x, size_t n, const QParams& qparams) {
  const DF df;
  const D32 d32;
  const hn::Rebind<uint8_t, D32> dq8;
  const VF scale = hn::Set(df, qparams.scale);
  const V32 zero_point = hn::Set(d32, qparams.zero_point);
  for_each_vector<kWords>(q, x, n, [&](const uint8_t* in, float* out) HWY_ATTR {
    const V32 centred = hn::Sub(hn::PromoteTo(d32, hn::LoadU(dq8, in)), zero_point);
    hn::StoreU(hn::Mul(hn::ConvertTo(df, centred), scale), df, out);
  });
}

void clamp_u8(const uint8_t* x, uint8_t* y, size_t n, uint8_t quant_min, uint8_t quant_max) {
  const D8 d8;
  const V8 lo = hn::Set(d8, quant_min);
  const V8 hi = hn::Set(d8, quant_max);
  for_each_vector<kBytes>(x, y, n, [&](const uint8_t* in, uint8_t* out) HWY_ATTR {
    hn::StoreU(hn::Min(hn::Max(hn::LoadU(d8, in), lo), hi), d8, out);
  });
}

#endif

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(quantize_u8);
HWY_EXPORT(dequantize_u8);
HWY_EXPORT(clamp_u8);

namespace quantize {

void quantize(const float* x, uint8_t* q, size_t n, const QParams& qparams) noexcept {
  HWY_DYNAMIC_DISPATCH(quantize_u8)(x, q, n, qparams);
}

void dequantize(const uint8_t* q, float* x, size_t n, const QParams& qparams) noexcept {
  HWY_DYNAMIC_DISPATCH(dequantize_u8)(q, x, n, qparams);
}

void clamp(const uint8_t* x, uint8_t* y, size_t n, uint8_t quant_min, uint8_t quant_max) noexcept {
  HWY_DYNAMIC_DISPATCH(clamp_u8)(x, y, n, quant_min, quant_max);
}

}  // namespace quantize
}  // namespace octet::kernels
#endif  // HWY_ONCE
