#define BOOST_TEST_MODULE dot_quad
#include <boost/test/unit_test.hpp>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dot_quad_test.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/dot_parts-inl.h"
#include "kernels/dot_quad-inl.h"
#include "kernels/kernel_testing.h"
#include "kernels/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {

// a, b: four bytes in each of n words; n is a multiple of every vector's lanes.
void dot_words(const int32_t* a, const int32_t* b, int32_t* acc, size_t n) {
  with_dot([&](auto dot) {
    const D32 d;
    for (size_t i = 0; i < n; i += hn::Lanes(d)) {
      hn::StoreU(dot_quad<decltype(dot)::value>(hn::LoadU(d, a + i), hn::LoadU(d, b + i),
                                                hn::LoadU(d, acc + i)),
                 d, acc + i);
    }
  });
}

// The same in two steps: without what offset_u8 took, then with it.
void dot_words_offset(const int32_t* a, const int32_t* b, int32_t* acc, size_t n) {
  with_dot([&](auto dot) {
    constexpr Dot kDot = decltype(dot)::value;
    const D32 d;
    const V32 taken = hn::Set(d, 0x01010101 * (kInputOffset<kDot> / 2));
    for (size_t i = 0; i < n; i += hn::Lanes(d)) {
      const V32 weights = hn::LoadU(d, b + i);
      V32 sum =
          dot_offset<kDot>(offset_u8<kDot>(hn::LoadU(d, a + i)), weights, hn::LoadU(d, acc + i));
      for (int half = 0; half < 2; ++half) sum = dot_quad<kDot>(taken, weights, sum);
      hn::StoreU(sum, d, acc + i);
    }
  });
}

void scale_all(const int32_t* acc, const float* multiplier, int32_t* out, size_t n) {
  const D32 d;
  const DF df;
  for (size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(scale_s32(hn::LoadU(d, acc + i), hn::LoadU(df, multiplier + i)), d, out + i);
}

}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels {

HWY_EXPORT(dot_words);
HWY_EXPORT(dot_words_offset);
HWY_EXPORT(scale_all);

BOOST_AUTO_TEST_CASE(every_target_forms_the_exact_sum) {
  constexpr size_t kWords = 1024;
  Rng rng(1);
  std::vector<uint8_t> a(4 * kWords);
  std::vector<int8_t> b(4 * kWords);
  testing::fill_integers(a, rng, 0, 255);
  testing::fill_integers(b, rng, -128, 127);
  // The largest products of either sign.
  for (size_t i = 0; i < 64; ++i) a[i] = i & 4 ? 255 : 0, b[i] = i & 8 ? -128 : 127;
  std::vector<int32_t> start(kWords), want(kWords);
  testing::fill_integers(start, rng, INT32_MIN / 2, INT32_MAX / 2);
  for (size_t i = 0; i < kWords; ++i) {
    want[i] = start[i];
    for (size_t j = 0; j < 4; ++j) want[i] += int32_t{a[4 * i + j]} * b[4 * i + j];
  }
  testing::for_each_target([&] {
    std::vector<int32_t> got = start;
    HWY_DYNAMIC_DISPATCH(dot_words)
    (reinterpret_cast<const int32_t*>(a.data()), reinterpret_cast<const int32_t*>(b.data()),
     got.data(), kWords);
    BOOST_TEST(got == want, boost::test_tools::per_element());
    got = start;
    HWY_DYNAMIC_DISPATCH(dot_words_offset)
    (reinterpret_cast<const int32_t*>(a.data()), reinterpret_cast<const int32_t*>(b.data()),
     got.data(), kWords);
    BOOST_TEST(got == want, boost::test_tools::per_element());
  });
}

BOOST_AUTO_TEST_CASE(scaling_rounds_as_the_reference_on_every_target) {
  constexpr size_t kWords = 4096;
  Rng rng(2);
  std::vector<int32_t> acc(kWords);
  std::vector<float> multiplier(kWords);
  for (size_t i = 0; i < kWords; ++i) {
    acc[i] = static_cast<int32_t>(rng.integer(-(1 << 26), 1 << 26));
    // Every other one a power of two, so that exact ties occur.
    multiplier[i] = i % 2 ? rng.uniform(1e-6f, 2.0f) : 1.0f / (1 << rng.below(12));
  }
  acc[0] = 1, multiplier[0] = 0.49999997f;
  const OutputRange wide{0, 0, 255};
  testing::for_each_target([&] {
    std::vector<int32_t> got(kWords);
    HWY_DYNAMIC_DISPATCH(scale_all)(acc.data(), multiplier.data(), got.data(), kWords);
    for (size_t i = 0; i < kWords; ++i) {
      BOOST_TEST(got[i] == std::lrintf(static_cast<float>(acc[i]) * multiplier[i]));
      BOOST_TEST(std::clamp(got[i], 0, 255) == ref::requantize(acc[i], multiplier[i], wide));
    }
  });
}

BOOST_AUTO_TEST_CASE(lists_the_best_target_first) {
  BOOST_TEST(!supported_targets().empty());
  for (const Target& target : supported_targets()) BOOST_TEST_MESSAGE(target.name);
  BOOST_TEST(&current_target() == &supported_targets().front());
}

}  // namespace octet::kernels
#endif  // HWY_ONCE
