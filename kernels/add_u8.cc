#include "kernels/add_u8.h"

#include <cstring>

#include "kernels/add_u8_ref.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/add_u8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void add_u8_run(const add_u8::Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                size_t n) {
  ref::add_u8::run(params, a, b, y, n);
}

#else

// What does not change along the tensors. The zero points and the rounding term meet in one
// constant: a * a_multiplier + b * b_multiplier + constant is the whole sum.
struct AddConstants {
  V32 constant;
  hn::Vec<D16> a_multiplier, b_multiplier;  // on x86 both are the pair [a, b]
  int shift;
  RangeVectors range;

  explicit AddConstants(const add_u8::Params& p)
      : constant(hn::Set(D32(), (1 << (p.shift - 1)) - p.a_zero_point * p.a_multiplier -
                                    p.b_zero_point * p.b_multiplier)),
        a_multiplier(multiplier(p.a_multiplier, p.b_multiplier)),
        b_multiplier(multiplier(p.b_multiplier, p.a_multiplier)),
        shift(p.shift),
        range(p.range) {}

  static hn::Vec<D16> multiplier(int32_t even, int32_t odd) {
#if OCTET_IS_NEON
    (void)odd;
    return hn::Set(D16(), static_cast<int16_t>(even));
#else
    return hn::BitCast(D16(), hn::Set(D32(), even | (odd << 16)));
#endif
  }
};

// The four s32 vectors of sums, in the order that pack_u8_blocks undoes.
HWY_INLINE void sums(V8 a, V8 b, const AddConstants& k, V32 sum[4]) {
  const D8 d8;
  const D32 d32;
#if OCTET_IS_NEON
  const hn::RebindToUnsigned<D16> du16;
  const hn::Half<D8> dh8;
  const auto widen = [&](hn::Vec<hn::Half<D8> > v)
                         HWY_ATTR { return hn::BitCast(D16(), hn::PromoteTo(du16, v)); };
  const auto half = [&](auto a_half, auto b_half, V32& lo, V32& hi) HWY_ATTR {
    hi = k.constant;
    lo = hn::ReorderWidenMulAccumulate(d32, widen(a_half), k.a_multiplier, k.constant, hi);
    lo = hn::ReorderWidenMulAccumulate(d32, widen(b_half), k.b_multiplier, lo, hi);
  };
  half(hn::LowerHalf(dh8, a), hn::LowerHalf(dh8, b), sum[0], sum[1]);
  half(hn::UpperHalf(dh8, a), hn::UpperHalf(dh8, b), sum[2], sum[3]);
  (void)d8;
#else
  // Bytes a0 b0 a1 b1 ..., then a zero after each: 16-bit pairs (a, b).
  const V8 zero = hn::Zero(d8);
  const V8 lower = hn::InterleaveLower(d8, a, b);
  const V8 upper = hn::InterleaveUpper(d8, a, b);
  const V8 pairs[4] = {hn::InterleaveLower(d8, lower, zero), hn::InterleaveUpper(d8, lower, zero),
                       hn::InterleaveLower(d8, upper, zero), hn::InterleaveUpper(d8, upper, zero)};
  for (int i = 0; i < 4; ++i) {
#if OCTET_IS_AVX3 || OCTET_IS_AVX2 || OCTET_IS_SSE
    V32 unused = hn::Zero(d32);
    sum[i] = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(D16(), pairs[i]), k.a_multiplier,
                                           k.constant, unused);
#else
    // Targets whose multiply-add pairs other lanes: both products of a pair in 32 bits.
    const V32 pair = hn::BitCast(d32, pairs[i]);
    const V32 multipliers = hn::BitCast(d32, k.a_multiplier);
    const V32 low = hn::Set(d32, 0xFFFF);
    const V32 a32 = hn::Mul(hn::And(pair, low), hn::And(multipliers, low));
    const V32 b32 = hn::Mul(hn::ShiftRight<16>(pair), hn::ShiftRight<16>(multipliers));
    sum[i] = hn::Add(hn::Add(a32, b32), k.constant);
#endif
  }
#endif
}

HWY_INLINE void add_vector(const uint8_t* a, const uint8_t* b, uint8_t* y, const AddConstants& k) {
  const D8 d8;
  V32 s[4];
  sums(hn::LoadU(d8, a), hn::LoadU(d8, b), k, s);
  for (V32& v : s) v = hn::ShiftRightSame(v, k.shift);
  hn::StoreU(pack_u8_blocks(s[0], s[1], s[2], s[3], k.range), d8, y);
}

void add_u8_run(const add_u8::Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y,
                size_t n) {
  const AddConstants k(params);
  const size_t lanes = hn::Lanes(D8());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) add_vector(a + i, b + i, y + i, k);
  if (i == n) return;
  // A last vector that overlaps the one before would read what was written, when y is a or b.
  HWY_ALIGN uint8_t a_rest[HWY_MAX_BYTES] = {}, b_rest[HWY_MAX_BYTES] = {};
  std::memcpy(a_rest, a + i, n - i);
  std::memcpy(b_rest, b + i, n - i);
  add_vector(a_rest, b_rest, a_rest, k);
  std::memcpy(y + i, a_rest, n - i);
}

#endif

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(add_u8_run);

namespace add_u8 {

void set_scales(Params& params, float s_a, float s_b, float s_y) noexcept {
  ref::add_u8::set_scales(params, s_a, s_b, s_y);
}

void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) noexcept {
  HWY_DYNAMIC_DISPATCH(add_u8_run)(params, a, b, y, n);
}

}  // namespace add_u8
}  // namespace octet::kernels
#endif  // HWY_ONCE
