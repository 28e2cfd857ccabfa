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
  const auto sum = [&](size_t part) {
    const size_t at = part * hidden + k;
    return hn::Add(hn::LoadU(d, gates + at), hn::LoadU(d, recurrent + at));
  };
  const auto i = sigmoid_vector(d, sum(0)), f = sigmoid_vector(d, sum(1));
  const auto g = tanh_vector(d, sum(2)), o = sigmoid_vector(d, sum(3));
  hn::StoreU(i, d, gates + k);
  hn::StoreU(f, d, gates + hidden + k);
  hn::StoreU(g, d, gates + 2 * hidden + k);
  hn::StoreU(o, d, gates + 3 * hidden + k);
  hn::StoreU(hn::Add(hn::Mul(f, hn::LoadU(d, c + k)), hn::Mul(i, g)), d, c + k);
}

// h', from these.
template <class D>
HWY_INLINE void output(D d, size_t k, const float* o, const float* c, float* h) {
  hn::StoreU(hn::Mul(hn::LoadU(d, o + k), tanh_vector(d, hn::LoadU(d, c + k))), d, h + k);
}

// Two loops: tanh(c') waits for all that comes before it, and out-of-order execution does not see
// far enough ahead to fill that time with other elements.
void cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d), whole = hidden / lanes * lanes;
  for (size_t k = 0; k < whole; k += lanes) gate(d, k, hidden, gates, recurrent, c);
  for (size_t k = whole; k < hidden; ++k) gate(d1, k, hidden, gates, recurrent, c);
  const float* o = gates + 3 * hidden;
  for (size_t k = 0; k < whole; k += lanes) output(d, k, o, c, h);
  for (size_t k = whole; k < hidden; ++k) output(d1, k, o, c, h);
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
