// The transforms of winograd_f32, vectors over channels.
//
// One struct for each tile size m has the three matrices as straight-line code for one axis, in the
// fewest operations found; matrices as numbers: winograd_f32_ref.h. The factors of A and B are
// powers of 2 (the 5s of B are 1 + 4), so a multiply-add rounds once even where it is not fused.
// Both axes: the columns of a patch, then the rows of what comes out.
#if defined(OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/clamp-inl.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/store_first-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(DF());

// a * b + c and c - a * b for a constant a.
HWY_INLINE VF mul_add(float a, VF b, VF c) { return hn::MulAdd(hn::Set(DF(), a), b, c); }
HWY_INLINE VF neg_mul_add(float a, VF b, VF c) { return hn::NegMulAdd(hn::Set(DF(), a), b, c); }

// F(4, 3): the points 0, 1, -1, 2, -2 and infinity.
struct F4 {
  static constexpr int kOut = 4, kIn = 6;
  // Multiply-adds and additions of input() and output(), on one axis.
  static constexpr Instructions kInput = {.multiplies = 6, .loads = 0, .others = 7};
  static constexpr Instructions kOutput = {.multiplies = 3, .loads = 0, .others = 7};

  HWY_INLINE static void input(const VF* d, VF* t) {  // B^T
    const VF a = neg_mul_add(4.0f, d[2], d[4]), b = neg_mul_add(4.0f, d[1], d[3]);
    const VF c = hn::Sub(d[4], d[2]), e = hn::Sub(d[3], d[1]);
    t[0] = mul_add(4.0f, hn::Sub(d[0], d[2]), c);
    t[1] = hn::Add(a, b);
    t[2] = hn::Sub(a, b);
    t[3] = mul_add(2.0f, e, c);
    t[4] = neg_mul_add(2.0f, e, c);
    t[5] = neg_mul_add(4.0f, e, hn::Sub(d[5], d[3]));
  }

  HWY_INLINE static void filter(const VF* g, VF* t) {  // G
    const VF sixth = hn::Set(DF(), 1.0f / 6), half = hn::Mul(hn::Set(DF(), 0.5f), g[1]);
    const VF ends = hn::Add(g[0], g[2]), weighted = mul_add(0.25f, g[0], g[2]);
    t[0] = hn::Mul(hn::Set(DF(), 0.25f), g[0]);
    t[1] = hn::Neg(hn::Mul(sixth, hn::Add(ends, g[1])));
    t[2] = hn::Neg(hn::Mul(sixth, hn::Sub(ends, g[1])));
    t[3] = hn::Mul(sixth, hn::Add(weighted, half));
    t[4] = hn::Mul(sixth, hn::Sub(weighted, half));
    t[5] = g[2];
  }

  HWY_INLINE static void output(const VF* m, VF* y) {  // A^T
    const VF a = hn::Add(m[1], m[2]), b = hn::Sub(m[1], m[2]);
    const VF c = hn::Add(m[3], m[4]), e = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(hn::Add(m[0], a), c);
    y[1] = mul_add(2.0f, e, b);
    y[2] = mul_add(4.0f, c, a);
    y[3] = hn::Add(mul_add(8.0f, e, b), m[5]);
  }
};

// F(2, 3): the points 0, 1, -1 and infinity.
struct F2 {
  static constexpr int kOut = 2, kIn = 4;
  static constexpr Instructions kInput = {.multiplies = 0, .loads = 0, .others = 4};
  static constexpr Instructions kOutput = {.multiplies = 0, .loads = 0, .others = 4};

  HWY_INLINE static void input(const VF* d, VF* t) {
    t[0] = hn::Sub(d[0], d[2]);
    t[1] = hn::Add(d[1], d[2]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[3], d[1]);
  }

  HWY_INLINE static void filter(const VF* g, VF* t) {
    const VF half = hn::Set(DF(), 0.5f), ends = hn::Add(g[0], g[2]);
    t[0] = g[0];
    t[1] = hn::Mul(half, hn::Add(ends, g[1]));
    t[2] = hn::Mul(half, hn::Sub(ends, g[1]));
    t[3] = g[2];
  }

  HWY_INLINE static void output(const VF* m, VF* y) {
    y[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
    y[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
  }
};

// The position of the bias: that of the point 1, whose power is 1 in every output.
template <class F>
constexpr int kBiasPosition = F::kIn + 1;

// What transform_input and transform_output take, for whole tiles.
template <class F>
double input_slots() {
  constexpr double kMoves = 2.0 * F::kIn * F::kIn;
  return (2.0 * F::kIn * F::kInput + Instructions{.loads = kMoves}).slots();
}
template <class F>
double output_slots() {
  constexpr double kOutputs = F::kOut * F::kOut;
  return ((F::kIn + F::kOut) * 1.0 * F::kOutput + kOutputs * kClamp +
          Instructions{.loads = 1.0 * F::kIn * F::kIn})
      .slots();
}

// One vector of channels of a patch at x, to u and, `plane` apart, the other positions.
template <class F>
HWY_INLINE void transform_input(const float* HWY_RESTRICT x, size_t row_step, size_t pixel_step,
                                float* HWY_RESTRICT u, size_t plane) {
  const DF d;
  VF columns[F::kIn][F::kIn], row[F::kIn], t[F::kIn];
  OCTET_UNROLL
  for (int j = 0; j < F::kIn; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) row[i] = hn::LoadU(d, x + i * row_step + j * pixel_step);
    F::input(row, t);
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < F::kIn; ++i) {
    F::input(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < F::kIn; ++j) hn::Store(t[j], d, u + (i * F::kIn + j) * plane);
  }
}

// One vector of 3x3 weights, `tap_step` apart, to v and, `plane` apart, the other positions.
template <class F>
HWY_INLINE void transform_filter(const float* HWY_RESTRICT w, size_t tap_step,
                                 float* HWY_RESTRICT v, size_t plane) {
  const DF d;
  VF columns[F::kIn][3], g[3], t[F::kIn];
  OCTET_UNROLL
  for (int j = 0; j < 3; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < 3; ++i) g[i] = hn::Load(d, w + (i * 3 + j) * tap_step);
    F::filter(g, t);
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < F::kIn; ++i) {
    F::filter(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < F::kIn; ++j) hn::Store(t[j], d, v + (i * F::kIn + j) * plane);
  }
}

// Where a tile of the output lies, and how much of it is inside the image.
struct TileOutput {
  float* y;
  size_t row_step, pixel_step;
  int rows, columns;
  float lo, hi;
};

// The first `channels` lanes of a tile from the sums at m, whose positions are `plane` apart.
template <class F>
HWY_INLINE void transform_output(const float* HWY_RESTRICT m, size_t plane, const TileOutput& to,
                                 float* HWY_RESTRICT y, size_t channels) {
  const DF d;
  VF columns[F::kOut][F::kIn], row[F::kIn], t[F::kOut];
  OCTET_UNROLL
  for (int j = 0; j < F::kIn; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < F::kIn; ++i) row[i] = hn::Load(d, m + (i * F::kIn + j) * plane);
    F::output(row, t);
    OCTET_UNROLL
    for (int i = 0; i < F::kOut; ++i) columns[i][j] = t[i];
  }
  OCTET_UNROLL
  for (int i = 0; i < F::kOut; ++i) {
    if (i >= to.rows) return;
    F::output(columns[i], t);
    OCTET_UNROLL
    for (int j = 0; j < F::kOut; ++j) {
      if (j >= to.columns) break;
      const VF v = clamp_vector(d, t[j], to.lo, to.hi);
      float* pixel = y + i * to.row_step + j * to.pixel_step;
      if (HWY_LIKELY(channels >= kLanes)) {
        hn::StoreU(v, d, pixel);
      } else {
        store_first(v, pixel, channels);
      }
    }
  }
}

}  // namespace octet::kernels::winograd_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
