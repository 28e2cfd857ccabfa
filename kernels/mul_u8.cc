#include "kernels/mul_u8.h"

#include <algorithm>
#include <cstring>

#include "kernels/mul_u8_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/mul_u8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void mul_u8_run(const mul_u8::Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                size_t n) {
  ref::mul_u8::run(params, a, b, y, n);
}

#else

// What does not change along the tensors.
struct MulConstants {
  hn::Vec<D16> a_zero_point, b_zero_point;
  VF multiplier;
  RangeVectors range;

  explicit MulConstants(const mul_u8::Params& p)
      : a_zero_point(hn::Set(D16(), static_cast<int16_t>(p.a_zero_point))),
        b_zero_point(hn::Set(D16(), static_cast<int16_t>(p.b_zero_point))),
        multiplier(hn::Set(DF(), p.multiplier)),
        range(p.range) {}
};

// Two vectors of scaled products, of the lower and the upper half of every block: the order that
// pack_u8_blocks undoes.
HWY_INLINE void products(hn::Vec<D16> a, hn::Vec<D16> b, VF multiplier, V32& lower, V32& upper) {
  const D16 d16;
  const hn::Vec<D16> low = hn::Mul(a, b), high = hn::MulHigh(a, b);
  lower = scale_s32(hn::BitCast(D32(), hn::InterleaveLower(d16, low, high)), multiplier);
  upper = scale_s32(hn::BitCast(D32(), hn::InterleaveUpper(d16, low, high)), multiplier);
}

HWY_INLINE void mul_vector(const uint8_t* a, const uint8_t* b, uint8_t* y, const MulConstants& k) {
  const D8 d8;
  const D16 d16;
  const V8 zero = hn::Zero(d8), a8 = hn::LoadU(d8, a), b8 = hn::LoadU(d8, b);
  const auto lower = [&](V8 v, hn::Vec<D16> zero_point) HWY_ATTR {
    return hn::Sub(hn::BitCast(d16, hn::InterleaveLower(d8, v, zero)), zero_point);
  };
  const auto upper = [&](V8 v, hn::Vec<D16> zero_point) HWY_ATTR {
    return hn::Sub(hn::BitCast(d16, hn::InterleaveUpper(d8, v, zero)), zero_point);
  };
  V32 r0, r1, r2, r3;
  products(lower(a8, k.a_zero_point), lower(b8, k.b_zero_point), k.multiplier, r0, r1);
  products(upper(a8, k.a_zero_point), upper(b8, k.b_zero_point), k.multiplier, r2, r3);
  hn::StoreU(pack_u8_blocks(r0, r1, r2, r3, k.range), d8, y);
}

void mul_u8_run(const mul_u8::Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                size_t n) {
  const MulConstants k(params);
  const size_t lanes = hn::Lanes(D8());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) mul_vector(a + i, b + i, y + i, k);
  if (i == n) return;
  // A last vector that overlaps the one before would read what was written, when y is a or b.
  HWY_ALIGN uint8_t a_rest[HWY_MAX_BYTES] = {}, b_rest[HWY_MAX_BYTES] = {};
  std::memcpy(a_rest, a + i, n - i);
  std::memcpy(b_rest, b + i, n - i);
  mul_vector(a_rest, b_rest, a_rest, k);
  std::memcpy(y + i, a_rest, n - i);
}

#endif

// The gate several times in a row, for as many pixels at once: channels are few and no multiple of
// a vector.
void mul_u8_gate(const mul_u8::Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                 size_t pixels, size_t channels) {
  constexpr size_t kTile = 4096;
  const size_t copies = channels == 0 ? 0 : std::min(pixels, kTile / channels);
  if (copies < 2) {
    for (size_t p = 0; p < pixels; ++p)
      mul_u8_run(params, a + p * channels, b, y + p * channels, channels);
    return;
  }
  uint8_t tile[kTile];
  for (size_t i = 0; i < copies; ++i) std::memcpy(tile + i * channels, b, channels);
  for (size_t p = 0; p < pixels; p += copies)
    mul_u8_run(params, a + p * channels, tile, y + p * channels,
               std::min(copies, pixels - p) * channels);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(mul_u8_run);
HWY_EXPORT(mul_u8_gate);

namespace mul_u8 {

void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(mul_u8_run)(params, a, b, y, n);
}

void gate(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t pixels,
          size_t channels) noexcept {
  HWY_DYNAMIC_DISPATCH(mul_u8_gate)(params, a, b, y, pixels, channels);
}

}  // namespace mul_u8
}  // namespace octet::kernels
#endif  // HWY_ONCE
