// The transforms of winograd_f32 that are its own: G, and from the sums to the clamped output. The
// others: winograd_transform-inl.h.
#if defined(OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_F32_TRANSFORM_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/clamp-inl.h"
#include "kernels/store_first-inl.h"
#include "kernels/winograd_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32::HWY_NAMESPACE {
using namespace octet::kernels::winograd::HWY_NAMESPACE;

constexpr size_t kLanes = hn::MaxLanes(DF());

struct F4 : winograd::HWY_NAMESPACE::F4 {
  struct Filter {  // G
    static constexpr int kFrom = 3, kTo = kIn;

    HWY_INLINE static void apply(const VF* g, VF* t) {
      const DF d;
      const VF quarter = hn::Set(d, 0.25f), sixth = hn::Set(d, 1.0f / 6);
      const VF half = hn::Mul(hn::Set(d, 0.5f), g[1]);
      const VF ends = hn::Add(g[0], g[2]), weighted = hn::MulAdd(quarter, g[0], g[2]);
      t[0] = hn::Mul(quarter, g[0]);
      t[1] = hn::Neg(hn::Mul(sixth, hn::Add(ends, g[1])));
      t[2] = hn::Neg(hn::Mul(sixth, hn::Sub(ends, g[1])));
      t[3] = hn::Mul(sixth, hn::Add(weighted, half));
      t[4] = hn::Mul(sixth, hn::Sub(weighted, half));
      t[5] = g[2];
    }
  };
};

struct F2 : winograd::HWY_NAMESPACE::F2 {
  struct Filter {
    static constexpr int kFrom = 3, kTo = kIn;

    HWY_INLINE static void apply(const VF* g, VF* t) {
      const VF half = hn::Set(DF(), 0.5f), ends = hn::Add(g[0], g[2]);
      t[0] = g[0];
      t[1] = hn::Mul(half, hn::Add(ends, g[1]));
      t[2] = hn::Mul(half, hn::Sub(ends, g[1]));
      t[3] = g[2];
    }
  };
};

// The position of the bias: that of the point 1, whose power is 1 in every output.
template <class F>
constexpr int kBiasPosition = F::kIn + 1;

// What transform_output takes, for whole tiles.
template <class F>
double output_slots() {
  using Axis = typename F::Output;
  constexpr double kSums = F::kIn * F::kIn, kOutputs = F::kOut * F::kOut;
  return (transform_instructions<Axis, float>() + kOutputs * kClamp + Instructions{.loads = kSums})
      .slots();
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
  using Axis = typename F::Output;
  const DF d;
  VF columns[F::kOut][F::kIn], t[F::kOut];
  transform_columns<Axis>(
      [&](int i, int j) HWY_ATTR
      __attribute__((always_inline)) { return hn::Load(d, m + (i * F::kIn + j) * plane); },
      columns);
  OCTET_UNROLL
  for (int i = 0; i < F::kOut; ++i) {
    if (i >= to.rows) return;
    Axis::apply(columns[i], t);
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
