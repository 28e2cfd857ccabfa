#include "kernels/batch_norm_f32.h"

#include <algorithm>

#include "kernels/batch_norm_f32_gate.h"
#include "kernels/batch_norm_f32_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/batch_norm_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/batch_norm_f32_walk-inl.h"
#include "kernels/clamp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::batch_norm_f32::HWY_NAMESPACE {
using namespace octet::kernels::HWY_NAMESPACE;
namespace {

// Sums take eight rows at a time: within such a group they run in registers, and what is carried
// from group to group lives in L1, one addition per group, so that neither the latency of an
// addition nor the loads count. The bound in batch_norm_f32_ref.h counts on it.
constexpr size_t kSumRows = 8;
// Element-wise passes load what belongs to a channel once per four rows.
constexpr size_t kApplyRows = 4;

HWY_INLINE Span rows_of(const Input& in, size_t block) {
  const size_t step = block_rows(in.channels);
  return {block * step, std::min(in.rows, (block + 1) * step)};
}

// What groups of rows add to the sums of their block: the first group finds none there.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void add_to(D d, V v, bool first, float* sum) {
  hn::StoreU(first ? v : hn::Add(hn::LoadU(d, sum), v), d, sum);
}

template <class D, size_t kRows>
HWY_INLINE void moments_step(D d, Rows<kRows>, const float* x, size_t stride, const float* shift,
                             bool first, float* sums, size_t kind_step) {
  using V = hn::Vec<D>;
  const V s = hn::LoadU(d, shift);
  V v = hn::LoadU(d, x);
  V least = v, greatest = v;
  V sum = hn::Sub(v, s);
  V square = hn::Mul(sum, sum);
  for (size_t i = 1; i < kRows; ++i) {
    v = hn::LoadU(d, x + i * stride);
    const V difference = hn::Sub(v, s);
    sum = hn::Add(sum, difference);
    square = hn::MulAdd(difference, difference, square);
    least = hn::Min(least, v);
    greatest = hn::Max(greatest, v);
  }
  float* min = sums + 2 * kind_step;
  float* max = sums + 3 * kind_step;
  add_to(d, sum, first, sums);
  add_to(d, square, first, sums + kind_step);
  hn::StoreU(first ? least : hn::Min(hn::LoadU(d, min), least), d, min);
  hn::StoreU(first ? greatest : hn::Max(hn::LoadU(d, max), greatest), d, max);
}

void moments_f32(const Input& input, float* partials, size_t begin, size_t end) {
  const Input in = input;
  const size_t kind_step = padded(in.channels);
  for (size_t block = begin; block < end; ++block) {
    const Span rows = rows_of(in, block);
    float* sums = partials + block * kMomentKinds * kind_step;
    for_tiles(in.channels, [&](Span tile) HWY_ATTR {
      for_groups<kSumRows>(rows, tile, [&](auto d, auto n, size_t r, size_t c) HWY_ATTR {
        moments_step(d, n, in.x + r * in.channels + c, in.channels, in.x + c, r == rows.begin,
                     sums + c, kind_step);
      });
    });
  }
}

// x * scale + shift of some channels. -0, not 0, is what added changes nothing.
template <class D>
struct AffineVectors {
  using V = hn::Vec<D>;
  V scale, shift;

  HWY_INLINE AffineVectors(D d, const Affine& a, size_t c)
      : scale(a.scale ? hn::LoadU(d, a.scale + c) : hn::Set(d, 1.0f)),
        shift(a.scale ? hn::LoadU(d, a.shift + c) : hn::Set(d, -0.0f)) {}
  HWY_INLINE V operator()(V x) const { return hn::MulAdd(x, scale, shift); }
};

void apply_f32(const Input& input, const Affine& affine_in, float* y, size_t begin, size_t end) {
  // Copies, for y could alias the originals.
  const Input in = input;
  const Affine affine = affine_in;
  const size_t stride = in.channels;
  for (size_t block = begin; block < end; ++block)
    for_groups<kApplyRows>(
        rows_of(in, block), {0, stride}, [&](auto d, auto rows, size_t r, size_t c) HWY_ATTR {
          const AffineVectors<decltype(d)> transform(d, affine, c);
          for (size_t i = r * stride + c, k = 0; k < rows; ++k, i += stride)
            hn::StoreU(clamp_vector(d, transform(hn::LoadU(d, in.x + i)), affine.lo, affine.hi), d,
                       y + i);
        });
}

// clamp, then quantize_value, for a range within u8, as numbers ready for the vectors. Both are
// monotone, so that the clamp's bounds can be bounds of the scaled value as well: integers already,
// like the quantization's, wherefore clamping before rounding gives the same integer.
struct Quantizer {
  float inv_scale;
  float lo, hi, nan;
  uint32_t offset;

  Quantizer(const QParams& p, const Affine& a)
      : inv_scale(1.0f / p.scale),
        lo(bound(a.lo, p)),
        hi(bound(a.hi, p)),
        nan(static_cast<float>(p.quant_min - p.zero_point)),
        offset(kIntegers - static_cast<uint32_t>(p.zero_point)) {}

  template <class D>
  HWY_INLINE void operator()(D d, hn::Vec<D> v, uint8_t* y) const {
    using V = hn::Vec<D>;
    const hn::RebindToUnsigned<D> du;
    const hn::Rebind<uint8_t, D> d8;
    const V scaled = hn::Mul(v, hn::Set(d, inv_scale));
    const V clamped = hn::Min(hn::Max(scaled, hn::Set(d, lo)), hn::Set(d, hi));
    const V bounded = hn::IfThenElse(hn::Eq(scaled, scaled), clamped, hn::Set(d, nan));
    const V shifted = hn::Add(bounded, hn::BitCast(d, hn::Set(du, kIntegers)));
    const auto q = hn::Sub(hn::BitCast(du, shifted), hn::Set(du, offset));
    hn::StoreU(hn::U8FromU32(q), d8, y);
  }

 private:
  // 1.5 * 2^23: floats around it are the integers. Adding it rounds, ties to even, and leaves the
  // result in the low bits; the same on every target and for every vector length.
  static constexpr uint32_t kIntegers = 0x4b400000;

  static float bound(float v, const QParams& p) {
    return static_cast<float>(quantize_value(v, 1.0f / p.scale, p) - p.zero_point);
  }
};

void apply_quantize_f32(const Input& input, const Affine& affine_in, const QParams& qparams,
                        uint8_t* y, size_t begin, size_t end) {
  // Copies, for y could alias the originals.
  const Input in = input;
  const Affine affine = affine_in;
  const Quantizer quantize(qparams, affine);
  const size_t stride = in.channels;
  for (size_t block = begin; block < end; ++block)
    for_groups<kApplyRows>(rows_of(in, block), {0, stride},
                           [&](auto d, auto rows, size_t r, size_t c) HWY_ATTR {
                             const AffineVectors<decltype(d)> transform(d, affine, c);
                             for (size_t i = r * stride + c, k = 0; k < rows; ++k, i += stride)
                               quantize(d, transform(hn::LoadU(d, in.x + i)), y + i);
                           });
}

// g of one vector.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gated(D d, V dy, V v, const Interval& passing) {
  return hn::IfThenElseZero(
      hn::And(hn::Ge(v, hn::Set(d, passing.first)), hn::Le(v, hn::Set(d, passing.last))), dy);
}

void backward_sums_f32(const Backward& backward, const Interval& interval, float* partials,
                       size_t begin, size_t end) {
  const Backward b = backward;
  const Interval passing = interval;
  const size_t stride = b.input.channels, kind_step = padded(stride);
  for (size_t block = begin; block < end; ++block) {
    const Span span = rows_of(b.input, block);
    float* sums = partials + block * kBackwardKinds * kind_step;
    for_tiles(stride, [&](Span tile) HWY_ATTR {
      for_groups<kSumRows>(span, tile, [&](auto d, auto rows, size_t r, size_t c) HWY_ATTR {
        using V = hn::Vec<decltype(d)>;
        const AffineVectors<decltype(d)> transform(d, b.gate.affine, c);
        const V mean = hn::LoadU(d, b.mean + c);
        V sum_g = hn::Zero(d), sum_gx = hn::Zero(d);
        for (size_t i = r * stride + c, k = 0; k < rows; ++k, i += stride) {
          const V x = hn::LoadU(d, b.input.x + i);
          const V g = gated(d, hn::LoadU(d, b.dy + i), transform(x), passing);
          sum_g = hn::Add(sum_g, g);
          sum_gx = hn::MulAdd(g, hn::Sub(x, mean), sum_gx);
        }
        add_to(d, sum_g, r == span.begin, sums + c);
        add_to(d, sum_gx, r == span.begin, sums + kind_step + c);
      });
    });
  }
}

void backward_apply_f32(const Backward& backward, const Interval& interval, const Terms& terms_in,
                        float* dx, size_t begin, size_t end) {
  const Backward b = backward;
  const Interval passing = interval;
  const Terms terms = terms_in;
  const size_t stride = b.input.channels;
  for (size_t block = begin; block < end; ++block)
    for_groups<kApplyRows>(
        rows_of(b.input, block), {0, stride}, [&](auto d, auto rows, size_t r, size_t c) HWY_ATTR {
          using V = hn::Vec<decltype(d)>;
          const AffineVectors<decltype(d)> transform(d, b.gate.affine, c);
          const V mean = hn::LoadU(d, b.mean + c);
          const V k1 = hn::LoadU(d, terms.k1 + c);
          const V k2 = hn::LoadU(d, terms.k2 + c);
          const V k3 = hn::LoadU(d, terms.k3 + c);
          for (size_t i = r * stride + c, k = 0; k < rows; ++k, i += stride) {
            const V x = hn::LoadU(d, b.input.x + i);
            const V g = gated(d, hn::LoadU(d, b.dy + i), transform(x), passing);
            hn::StoreU(hn::MulAdd(k1, g, hn::MulAdd(k2, hn::Sub(x, mean), k3)), d, dx + i);
          }
        });
}

}  // namespace
}  // namespace octet::kernels::batch_norm_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::batch_norm_f32 {

HWY_EXPORT(moments_f32);
HWY_EXPORT(apply_f32);
HWY_EXPORT(apply_quantize_f32);
HWY_EXPORT(backward_sums_f32);
HWY_EXPORT(backward_apply_f32);

namespace {

// sums[c] = the sum of partials[b * stride + c] over blocks, in order, for `count` channels.
constexpr size_t kFinishTile = 64;
void sum_blocks(const float* partials, size_t blocks, size_t stride, size_t count, double* sums) {
  std::fill_n(sums, count, 0.0);
  for (size_t b = 0; b < blocks; ++b)
    for (size_t c = 0; c < count; ++c) sums[c] += partials[b * stride + c];
}

// y[c] = the fold of partials[b * stride + c] over blocks.
template <class Fold>
void fold_blocks(const float* partials, size_t blocks, size_t stride, size_t count, float* y,
                 const Fold& fold) {
  std::copy_n(partials, count, y);
  for (size_t b = 1; b < blocks; ++b)
    for (size_t c = 0; c < count; ++c) y[c] = fold(y[c], partials[b * stride + c]);
}

}  // namespace

// 128 KiB: little enough that late layers of few rows and many channels have tasks for several
// threads. At least 16 rows, for partials (of four kinds) are not to weigh much; at most 512, for
// the precision of f32 sums.
size_t block_rows(size_t channels) noexcept {
  return std::clamp<size_t>(32768 / channels / 8 * 8, 16, 512);
}

size_t blocks(size_t rows, size_t channels) noexcept {
  return (rows + block_rows(channels) - 1) / block_rows(channels);
}

size_t moments_partials_bytes(size_t rows, size_t channels) noexcept {
  return blocks(rows, channels) * kMomentKinds * padded(channels) * sizeof(float);
}

void moments(const Input& input, void* partials, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(moments_f32)(input, static_cast<float*>(partials), begin, end);
}

void finish_moments(const Input& in, const void* partials, const Moments& moments) noexcept {
  const size_t count = blocks(in.rows, in.channels), step = padded(in.channels),
               stride = kMomentKinds * step;
  const float* p = static_cast<const float*>(partials);
  const double inv_rows = 1.0 / static_cast<double>(in.rows);
  double sum[kFinishTile], square[kFinishTile];
  for (size_t first = 0; first < in.channels; first += kFinishTile) {
    const size_t tile = std::min(kFinishTile, in.channels - first);
    sum_blocks(p + first, count, stride, tile, sum);
    sum_blocks(p + step + first, count, stride, tile, square);
    for (size_t c = 0; c < tile; ++c) {
      const double mean = sum[c] * inv_rows;
      const double var = square[c] * inv_rows - mean * mean;
      moments.mean[first + c] = static_cast<float>(in.x[first + c] + mean);
      // Not max(0, var): NaN has to stay.
      moments.var[first + c] = var < 0 ? 0.0f : static_cast<float>(var);
    }
  }
  if (moments.min)
    fold_blocks(p + 2 * step, count, stride, in.channels, moments.min,
                [](float a, float b) { return std::min(a, b); });
  if (moments.max)
    fold_blocks(p + 3 * step, count, stride, in.channels, moments.max,
                [](float a, float b) { return std::max(a, b); });
}

void apply(const Input& input, const Affine& affine, float* y, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(apply_f32)(input, affine, y, begin, end);
}

void apply_quantize(const Input& input, const Affine& affine, const QParams& qparams, uint8_t* y,
                    size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(apply_quantize_f32)(input, affine, qparams, y, begin, end);
}

size_t backward_partials_bytes(size_t rows, size_t channels) noexcept {
  return blocks(rows, channels) * kBackwardKinds * padded(channels) * sizeof(float);
}

void backward_sums(const Backward& backward, void* partials, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(backward_sums_f32)
  (backward, passing(backward.gate), static_cast<float*>(partials), begin, end);
}

void finish_backward_sums(size_t rows, size_t channels, const void* partials, float* sum_g,
                          float* sum_gx) noexcept {
  const size_t count = blocks(rows, channels), step = padded(channels),
               stride = kBackwardKinds * step;
  const float* p = static_cast<const float*>(partials);
  double sum[kFinishTile];
  for (size_t first = 0; first < channels; first += kFinishTile) {
    const size_t tile = std::min(kFinishTile, channels - first);
    sum_blocks(p + first, count, stride, tile, sum);
    for (size_t c = 0; c < tile; ++c) sum_g[first + c] = static_cast<float>(sum[c]);
    sum_blocks(p + step + first, count, stride, tile, sum);
    for (size_t c = 0; c < tile; ++c) sum_gx[first + c] = static_cast<float>(sum[c]);
  }
}

void backward_apply(const Backward& backward, const Terms& terms, float* dx, size_t begin,
                    size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(backward_apply_f32)(backward, passing(backward.gate), terms, dx, begin, end);
}

}  // namespace octet::kernels::batch_norm_f32
#endif  // HWY_ONCE
