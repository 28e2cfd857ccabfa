// The transforms of winograd_u8s8: integers modulo 2^16 and 2^32, vectors over channels.
//
// One struct for each tile size m has the matrices of winograd_f32_transform-inl.h as straight-line
// code for one axis, G times kScale and the factor 2 of its last row, for m = 4, in A. Both axes:
// the columns of a patch, then the rows of what comes out.
#if defined(OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_U8S8_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/cost.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

using DInput = hn::ScalableTag<int16_t>;
using VInput = hn::Vec<DInput>;
constexpr size_t kInputLanes = hn::MaxLanes(DInput());

// F(4, 3): the points 0, 1, -1, 2, -2 and infinity.
struct F4 {
  static constexpr int kOut = 4, kIn = 6;
  // Additions and shifts of input() and output(), on one axis.
  static constexpr Instructions kInput = {.multiplies = 0, .loads = 0, .others = 17};
  static constexpr Instructions kOutput = {.multiplies = 0, .loads = 0, .others = 15};
  // kScale^2 = 24^2 = 9 * 2^kShift; kInverse: of 9.
  static constexpr int kShift = 6;
  static constexpr uint32_t kInverse = 954437177;
  static_assert(kInverse * 9 == 1);

  template <class V>
  HWY_INLINE static void input(const V* d, V* t) {  // B^T
    const V a = hn::Sub(d[4], hn::ShiftLeft<2>(d[2])), b = hn::Sub(d[3], hn::ShiftLeft<2>(d[1]));
    const V c = hn::Sub(d[4], d[2]), difference = hn::Sub(d[3], d[1]);
    const V e = hn::Add(difference, difference);
    t[0] = hn::Add(hn::ShiftLeft<2>(hn::Sub(d[0], d[2])), c);
    t[1] = hn::Add(a, b);
    t[2] = hn::Sub(a, b);
    t[3] = hn::Add(c, e);
    t[4] = hn::Sub(c, e);
    t[5] = hn::Sub(hn::Sub(d[5], d[3]), hn::Add(e, e));
  }

  template <class V>
  HWY_INLINE static void filter(const V* g, V* t) {  // 24 G, its last row 12 G
    const V ends = hn::Add(g[0], g[2]), twice = hn::Add(g[1], g[1]);
    const V weighted = hn::Add(g[0], hn::ShiftLeft<2>(g[2]));
    const V zero = hn::Sub(ends, ends);
    t[0] = hn::ShiftLeft<1>(hn::Add(g[0], hn::Add(g[0], g[0])));
    t[1] = hn::ShiftLeft<2>(hn::Sub(zero, hn::Add(ends, g[1])));
    t[2] = hn::ShiftLeft<2>(hn::Sub(g[1], ends));
    t[3] = hn::Add(weighted, twice);
    t[4] = hn::Sub(weighted, twice);
    t[5] = hn::ShiftLeft<2>(hn::Add(g[2], hn::Add(g[2], g[2])));
  }

  HWY_INLINE static void output(const V32* m, V32* y) {  // A^T, its last column twice
    const V32 a = hn::Add(m[1], m[2]), b = hn::Sub(m[1], m[2]);
    const V32 c = hn::Add(m[3], m[4]), difference = hn::Sub(m[3], m[4]);
    const V32 e = hn::Add(difference, difference);
    y[0] = hn::Add(hn::Add(m[0], a), c);
    y[1] = hn::Add(b, e);
    y[2] = hn::Add(hn::ShiftLeft<2>(c), a);
    y[3] = hn::Add(hn::Add(hn::ShiftLeft<2>(e), b), hn::Add(m[5], m[5]));
  }
};

// F(2, 3): the points 0, 1, -1 and infinity.
struct F2 {
  static constexpr int kOut = 2, kIn = 4;
  static constexpr Instructions kInput = {.multiplies = 0, .loads = 0, .others = 4};
  static constexpr Instructions kOutput = {.multiplies = 0, .loads = 0, .others = 4};
  static constexpr int kShift = 2;  // kScale^2 = 2^kShift
  static constexpr uint32_t kInverse = 1;

  template <class V>
  HWY_INLINE static void input(const V* d, V* t) {
    t[0] = hn::Sub(d[0], d[2]);
    t[1] = hn::Add(d[1], d[2]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[3], d[1]);
  }

  template <class V>
  HWY_INLINE static void filter(const V* g, V* t) {  // 2 G
    const V ends = hn::Add(g[0], g[2]);
    t[0] = hn::Add(g[0], g[0]);
    t[1] = hn::Add(ends, g[1]);
    t[2] = hn::Sub(ends, g[1]);
    t[3] = hn::Add(g[2], g[2]);
  }

  HWY_INLINE static void output(const V32* m, V32* y) {
    y[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
    y[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
  }
};

// What a vector of a tile takes: transform_input, and all from the sums to the output.
template <class F>
double input_slots() {
  constexpr double kMoves = 2.0 * F::kIn * F::kIn;
  return (2.0 * F::kIn * F::kInput + Instructions{.loads = kMoves}).slots();
}
template <class F>
double output_slots() {
  constexpr double kOutputs = F::kOut * F::kOut;
  return ((F::kIn + F::kOut) * 1.0 * F::kOutput + kOutputs * kRequantize +
          Instructions{.multiplies = kOutputs, .loads = 1.0 * F::kIn * F::kIn, .others = kOutputs})
      .slots();
}

// One vector of channels of a patch at x, to v and, `plane` apart, the other positions.
template <class F>
HWY_INLINE void transform_input(const uint8_t* HWY_RESTRICT x, size_t row_step, size_t pixel_step,
                                int16_t* HWY_RESTRICT v, size_t plane) {
  const DInput d;
  const hn::Rebind<uint8_t, DInput> d8;
  VInput columns[F::kIn][F::kIn], row[F::kIn], t[F::kIn];
  OCTET_UNROLL
  for (int j = 0; j < F::kIn; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i)
      row[i] = hn::PromoteTo(d, hn::LoadU(d8, x + i * row_step + j * pixel_step));
    F::input(row, t);
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < F::kIn; ++i) {
    F::input(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < F::kIn; ++j) hn::Store(t[j], d, v + (i * F::kIn + j) * plane);
  }
}

// A vector d of 3x3 weights, `tap_step` apart, to u and, `plane` apart, the other positions.
template <class F, class D>
HWY_INLINE void transform_filter(D d, const int8_t* HWY_RESTRICT w, size_t tap_step,
                                 int16_t* HWY_RESTRICT u, size_t plane) {
  using V = hn::Vec<D>;
  const hn::Rebind<int8_t, D> d8;
  V columns[F::kIn][3], g[3], t[F::kIn];
  OCTET_UNROLL
  for (int j = 0; j < 3; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < 3; ++i) g[i] = hn::PromoteTo(d, hn::LoadU(d8, w + (i * 3 + j) * tap_step));
    F::filter(g, t);
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < F::kIn; ++i) {
    F::filter(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < F::kIn; ++j) hn::StoreU(t[j], d, u + (i * F::kIn + j) * plane);
  }
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
