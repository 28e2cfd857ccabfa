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

// Elements k and on, as many as the tag has lanes.
template <class D>
HWY_INLINE void step(D d, size_t k, size_t hidden, float* gates, const float* recurrent, float* h,
                     float* c) {
  const auto gate = [&](size_t part) {
    const size_t at = part * hidden + k;
    return hn::Add(hn::LoadU(d, gates + at), hn::LoadU(d, recurrent + at));
  };
  const auto i = sigmoid_vector(d, gate(0)), f = sigmoid_vector(d, gate(1));
  const auto g = tanh_vector(d, gate(2)), o = sigmoid_vector(d, gate(3));
  const auto next = hn::Add(hn::Mul(f, hn::LoadU(d, c + k)), hn::Mul(i, g));
  hn::StoreU(i, d, gates + k);
  hn::StoreU(f, d, gates + hidden + k);
  hn::StoreU(g, d, gates + 2 * hidden + k);
  hn::StoreU(o, d, gates + 3 * hidden + k);
  hn::StoreU(next, d, c + k);
  hn::StoreU(hn::Mul(o, tanh_vector(d, next)), d, h + k);
}

void cell(size_t hidden, float* gates, const float* recurrent, float* h, float* c) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  size_t k = 0;
  for (; k + lanes <= hidden; k += lanes) step(d, k, hidden, gates, recurrent, h, c);
  for (; k < hidden; ++k) step(d1, k, hidden, gates, recurrent, h, c);
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
