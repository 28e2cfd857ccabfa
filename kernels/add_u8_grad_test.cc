#define BOOST_TEST_MODULE add_u8_grad
#include "kernels/add_u8_grad.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "kernels/add_u8_grad_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

using testing::GuardedArray;

QParams random_qparams(Rng& rng) {
  QParams p;
  p.quant_min = static_cast<int32_t>(rng.integer(0, 60));
  p.quant_max = static_cast<int32_t>(rng.integer(p.quant_min, 255));
  p.zero_point = static_cast<int32_t>(rng.integer(0, 255));
  // Powers of two among them, so that ties occur.
  p.scale = rng.below(2) ? 0.25f : rng.uniform(0.01f, 1.0f);
  return p;
}

void check(size_t n, Rng& rng) {
  add_u8_grad::Params p{
      .a = random_qparams(rng), .b = random_qparams(rng), .y = random_qparams(rng)};
  if (rng.below(2)) p.lo = 0.0f;
  if (rng.below(2)) p.hi = rng.uniform(0.0f, 20.0f);
  GuardedArray<uint8_t> a(n, GuardedArray<uint8_t>::Edge::end);
  GuardedArray<uint8_t> b(n, GuardedArray<uint8_t>::Edge::end);
  GuardedArray<float> dy(n, GuardedArray<float>::Edge::end);
  for (size_t i = 0; i < n; ++i) {
    a[i] = static_cast<uint8_t>(rng.below(256));
    b[i] = static_cast<uint8_t>(rng.below(256));
    dy[i] = rng.uniform(0.5f, 1.0f);
  }
  add_u8_grad::Range want;
  std::vector<float> passed(n);
  for (size_t i = 0; i < n; ++i) {
    const float v = ref::add_u8_grad::clamped(p, a[i], b[i]);
    want = {std::min(want.min, v), std::max(want.max, v)};
    passed[i] = ref::add_u8_grad::passes(p, a[i], b[i]) ? dy[i] : 0.0f;
  }
  const add_u8_grad::Range got = add_u8_grad::range(p, a.data(), b.data(), n);
  BOOST_TEST(got.min == want.min);
  BOOST_TEST(got.max == want.max);
  add_u8_grad::backward(p, a.data(), b.data(), dy.data(), dy.data(), n);
  for (size_t i = 0; i < n; ++i) BOOST_TEST(dy[i] == passed[i], int{a[i]} << ", " << int{b[i]});
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_target_equals_the_reference_at_every_size) {
  testing::for_each_target([] {
    Rng rng(1);
    for (size_t n = 0; n <= 70; ++n)
      for (int i = 0; i < 4; ++i) check(n, rng);
    for (int i = 0; i < 20; ++i) check(1000, rng);
  });
}

}  // namespace octet::kernels
