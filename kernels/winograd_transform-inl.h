// The transforms of minimal filtering (winograd_f32.h says what it is), vectors over channels, for
// f32 and for integers modulo 2^16 and 2^32.
//
// An axis is a matrix as straight-line code, in the fewest operations found: from kFrom vectors to
// kTo, in `kCount` operations. Matrices as numbers: winograd_f32_ref.h. The factors of A and B are
// powers of 2 (the 5s of B are 1 + 4), so a multiply-add of f32 rounds once even where it is not
// fused, and integers are shifted. G has fractions, for which every kernel has a form of its own.
#if defined(OCTET_KERNELS_WINOGRAD_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#undef OCTET_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#else
#define OCTET_KERNELS_WINOGRAD_TRANSFORM_INL_H_
#endif

#include <cstddef>
#include <type_traits>

#include "hwy/highway.h"
#include "kernels/dot_cost-inl.h"
#include "kernels/dot_quad-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;

// kFactor * v for integers.
template <int kFactor, class V>
HWY_INLINE V times(V v) {
  static_assert(kFactor == 2 || kFactor == 4 || kFactor == 8);
  if constexpr (kFactor == 2) return hn::Add(v, v);
  if constexpr (kFactor == 4) return hn::ShiftLeft<2>(v);
  if constexpr (kFactor == 8) return hn::ShiftLeft<3>(v);
}

// c + kFactor * v and c - kFactor * v.
template <int kFactor, class V>
HWY_INLINE V add_times(V c, V v) {
  if constexpr (std::is_same_v<hn::TFromV<V>, float>)
    return hn::MulAdd(hn::Set(hn::DFromV<V>(), static_cast<float>(kFactor)), v, c);
  else
    return hn::Add(c, times<kFactor>(v));
}
template <int kFactor, class V>
HWY_INLINE V sub_times(V c, V v) {
  if constexpr (std::is_same_v<hn::TFromV<V>, float>)
    return hn::NegMulAdd(hn::Set(hn::DFromV<V>(), static_cast<float>(kFactor)), v, c);
  else
    return hn::Sub(c, times<kFactor>(v));
}

// What an axis takes: multiply-adds, of which integers make additions and `shifts`, and additions.
struct Operations {
  double multiply_adds, shifts, additions;
};

// F(4, 3): the points 0, 1, -1, 2, -2 and infinity.
struct F4 {
  static constexpr int kOut = 4, kIn = 6;

  struct Input {  // B^T
    static constexpr int kFrom = kIn, kTo = kIn;
    static constexpr Operations kCount = {.multiply_adds = 6, .shifts = 5, .additions = 6};

    template <class V>
    HWY_INLINE static void apply(const V* d, V* t) {
      const V a = sub_times<4>(d[4], d[2]), b = sub_times<4>(d[3], d[1]);
      const V c = hn::Sub(d[4], d[2]), e = hn::Sub(d[3], d[1]);
      t[0] = add_times<4>(c, hn::Sub(d[0], d[2]));
      t[1] = hn::Add(a, b);
      t[2] = hn::Sub(a, b);
      t[3] = add_times<2>(c, e);
      t[4] = sub_times<2>(c, e);
      t[5] = sub_times<4>(hn::Sub(d[5], d[3]), e);
    }
  };

  struct Output {  // A^T
    static constexpr int kFrom = kIn, kTo = kOut;
    static constexpr Operations kCount = {.multiply_adds = 3, .shifts = 3, .additions = 7};

    template <class V>
    HWY_INLINE static void apply(const V* m, V* y) {
      const V a = hn::Add(m[1], m[2]), b = hn::Sub(m[1], m[2]);
      const V c = hn::Add(m[3], m[4]), e = hn::Sub(m[3], m[4]);
      y[0] = hn::Add(hn::Add(m[0], a), c);
      y[1] = add_times<2>(b, e);
      y[2] = add_times<4>(a, c);
      y[3] = hn::Add(add_times<8>(b, e), m[5]);
    }
  };
};

// F(2, 3): the points 0, 1, -1 and infinity.
struct F2 {
  static constexpr int kOut = 2, kIn = 4;

  struct Input {
    static constexpr int kFrom = kIn, kTo = kIn;
    static constexpr Operations kCount = {.multiply_adds = 0, .shifts = 0, .additions = 4};

    template <class V>
    HWY_INLINE static void apply(const V* d, V* t) {
      t[0] = hn::Sub(d[0], d[2]);
      t[1] = hn::Add(d[1], d[2]);
      t[2] = hn::Sub(d[2], d[1]);
      t[3] = hn::Sub(d[3], d[1]);
    }
  };

  struct Output {
    static constexpr int kFrom = kIn, kTo = kOut;
    static constexpr Operations kCount = {.multiply_adds = 0, .shifts = 0, .additions = 4};

    template <class V>
    HWY_INLINE static void apply(const V* m, V* y) {
      y[0] = hn::Add(hn::Add(m[0], m[1]), m[2]);
      y[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
    }
  };
};

// Both axes: the columns of a square of vectors, load(row, column), and then the rows of what comes
// out. This is the first half: columns[i] is what is left to transform for row i of the result.
template <class Axis, class V, class Load>
HWY_INLINE void transform_columns(const Load& load, V (&columns)[Axis::kTo][Axis::kFrom]) {
  V from[Axis::kFrom], to[Axis::kTo];
  OCTET_UNROLL
  for (int j = 0; j < Axis::kFrom; ++j) {
    OCTET_UNROLL
    for (int i = 0; i < Axis::kFrom; ++i) from[i] = load(i, j);
    Axis::apply(from, to);
    OCTET_UNROLL
    for (int i = 0; i < Axis::kTo; ++i) columns[i][j] = to[i];
  }
}

// And the whole: store(row, column, vector).
template <class Axis, class V, class Load, class Store>
HWY_INLINE void transform(const Load& load, const Store& store) {
  V columns[Axis::kTo][Axis::kFrom], to[Axis::kTo];
  transform_columns<Axis>(load, columns);
  OCTET_UNROLL
  for (int i = 0; i < Axis::kTo; ++i) {
    Axis::apply(columns[i], to);
    OCTET_UNROLL
    for (int j = 0; j < Axis::kTo; ++j) store(i, j, to[j]);
  }
}

// From memory, converted to D's lanes, to memory, position by position, `plane` apart.
template <class Axis, class D, class X>
HWY_INLINE void transform(D d, const X* HWY_RESTRICT from, size_t row_step, size_t pixel_step,
                          hn::TFromD<D>* HWY_RESTRICT to, size_t plane) {
  transform<Axis, hn::Vec<D>>(
      [&](int i, int j) HWY_ATTR __attribute__((always_inline)) {
        const auto v = hn::LoadU(hn::Rebind<X, D>(), from + i * row_step + j * pixel_step);
        if constexpr (std::is_same_v<X, hn::TFromD<D>>)
          return v;
        else
          return hn::PromoteTo(d, v);
      },
      [&](int i, int j, hn::Vec<D> v) HWY_ATTR
      __attribute__((always_inline)) { hn::Store(v, d, to + (i * Axis::kTo + j) * plane); });
}

// What an axis takes of both, for vectors of T; loads and stores not counted.
template <class Axis, class T>
Instructions transform_instructions() {
  constexpr Operations n = Axis::kCount;
  const Instructions additions{.others = n.additions};
  const Instructions once = std::is_same_v<T, float>
                                ? n.multiply_adds * kMultiplyAdd + additions
                                : additions + Instructions{.others = n.multiply_adds + n.shifts};
  return static_cast<double>(Axis::kFrom + Axis::kTo) * once;
}

// transform() from memory to memory.
template <class Axis, class T>
double transform_slots() {
  constexpr double kMoves = Axis::kFrom * Axis::kFrom + Axis::kTo * Axis::kTo;
  return (transform_instructions<Axis, T>() + Instructions{.loads = kMoves}).slots();
}

}  // namespace octet::kernels::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
