#include "kernels/lstm_cell.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm_cell.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After highway.h, once per target.
#include "kernels/gates-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Elements k and on, as many as the tag has lanes: the gates and c'.
template <class D>
HWY_INLINE void gate(D d, size_t k, size_t hidden, float* gates, const float* recurrent, float* c) {
  constexpr size_t kParts[4] = {0, 1, 3, 2};  // i, f, o and, with tanh, g
  hn::Vec<D> a[4];
  OCTET_UNROLL
  for (int i = 0; i < 4; ++i) {
    const size_t at = kParts[i] * hidden + k;
    a[i] = hn::Add(hn::LoadU(d, gates + at), hn::LoadU(d, recurrent + at));
  }
  sigmoid_tanh<3>(d, a);
  OCTET_UNROLL
  for (int i = 0; i < 4; ++i) hn::StoreU(a[i], d, gates + kParts[i] * hidden + k);
  const auto kept = hn::Mul(a[1], hn::LoadU(d, c + k));
  hn::StoreU(hn::Add(kept, hn::Mul(a[0], a[3])), d, c + k);
}

// h' from these, of kVectors vectors.
template <int kVectors, class D>
HWY_INLINE void output(D d, size_t k, const float* o, const float* c, float* h) {
  hn::Vec<D> a[kVectors];
  OCTET_UNROLL
  for (int i = 0; i < kVectors; ++i) a[i] = hn::LoadU(d, c + k + i * hn::Lanes(d));
  sigmoid_tanh<0>(d, a);
  OCTET_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    const size_t at = k + i * hn::Lanes(d);
    hn::StoreU(hn::Mul(hn::LoadU(d, o + at), a[i]), d, h + at);
  }
}

// tanh(c') in a loop of its own, where it need not wait for all that comes before it.
void cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t k = 0;
  for (; k + lanes <= hidden; k += lanes) gate(d, k, hidden, gates, recurrent, c);
  for (; k < hidden; ++k) gate(d1, k, hidden, gates, recurrent, c);
  const float* o = gates + 3 * hidden;
  k = 0;
  for (; k + 4 * lanes <= hidden; k += 4 * lanes) output<4>(d, k, o, c, h);
  for (; k + lanes <= hidden; k += lanes) output<1>(d, k, o, c, h);
  for (; k < hidden; ++k) output<1>(d1, k, o, c, h);
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(cell);

void lstm_cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) noexcept {
  HWY_DYNAMIC_DISPATCH(cell)(hidden, gates, recurrent, h, c);
}

}  // namespace octet::kernels
#endif  // HWY_ONCE
