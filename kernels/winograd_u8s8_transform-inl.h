// The transforms of winograd_u8s8 that are its own, integers modulo 2^16 and 2^32: G times kScale,
// and back from kScale^2 times a sum. The others: winograd_transform-inl.h.
#if defined(OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::winograd::HWY_NAMESPACE;

using DInput = hn::ScalableTag<int16_t>;
constexpr size_t kInputLanes = hn::MaxLanes(DInput());

struct F4 : winograd::HWY_NAMESPACE::F4 {
  // kScale^2 = 24^2 = 9 * 2^kShift; kInverse: of 9.
  static constexpr int kShift = 6;
  static constexpr uint32_t kInverse = 954437177;
  static_assert(kInverse * 9 == 1);

  struct Filter {  // 24 G, its last row 12 G
    static constexpr int kFrom = 3, kTo = kIn;

    template <class V>
    HWY_INLINE static void apply(const V* g, V* t) {
      const V ends = hn::Add(g[0], g[2]), twice = hn::Add(g[1], g[1]);
      const V weighted = add_times<4>(g[0], g[2]);
      const V zero = hn::Sub(ends, ends);
      t[0] = times<2>(add_times<2>(g[0], g[0]));
      t[1] = times<4>(hn::Sub(zero, hn::Add(ends, g[1])));
      t[2] = times<4>(hn::Sub(g[1], ends));
      t[3] = hn::Add(weighted, twice);
      t[4] = hn::Sub(weighted, twice);
      t[5] = times<4>(add_times<2>(g[2], g[2]));
    }
  };

  struct Output : winograd::HWY_NAMESPACE::F4::Output {  // A^T, its last column twice
    using Base = winograd::HWY_NAMESPACE::F4::Output;
    static constexpr Operations kCount = {Base::kCount.multiply_adds, Base::kCount.shifts,
                                          Base::kCount.additions + 1};

    HWY_INLINE static void apply(const V32* m, V32* y) {
      const V32 all[kFrom] = {m[0], m[1], m[2], m[3], m[4], times<2>(m[5])};
      Base::apply(all, y);
    }
  };
};

struct F2 : winograd::HWY_NAMESPACE::F2 {
  static constexpr int kShift = 2;  // kScale^2 = 2^kShift
  static constexpr uint32_t kInverse = 1;

  struct Filter {  // 2 G
    static constexpr int kFrom = 3, kTo = kIn;

    template <class V>
    HWY_INLINE static void apply(const V* g, V* t) {
      const V ends = hn::Add(g[0], g[2]);
      t[0] = times<2>(g[0]);
      t[1] = hn::Add(ends, g[1]);
      t[2] = hn::Sub(ends, g[1]);
      t[3] = times<2>(g[2]);
    }
  };
};

// What a vector of a tile takes from the sums to the output.
template <class F>
double output_slots() {
  constexpr double kSums = F::kIn * F::kIn, kOutputs = F::kOut * F::kOut;
  return (transform_instructions<typename F::Output, int32_t>() + kOutputs * kRequantize +
          Instructions{.multiplies = kOutputs, .loads = kSums, .others = kOutputs})
      .slots();
}

// From kScale^2 times a sum, modulo 2^32, to the sum.
template <class F>
HWY_INLINE V32 unscale(V32 t) {
  if constexpr (F::kInverse != 1) t = hn::Mul(t, hn::Set(D32(), static_cast<int32_t>(F::kInverse)));
  return hn::ShiftRight<F::kShift>(t);
}

}  // namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
