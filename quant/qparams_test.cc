#define BOOST_TEST_MODULE qparams
#include "quant/qparams.h"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "quant/golden_testing.h"

namespace octet::quant {
namespace {

constexpr QuantRange kU8 = {0, 255}, kS8 = {-127, 127}, kWholeS8 = {-128, 127};
using golden::message_of;

}  // namespace

BOOST_AUTO_TEST_CASE(zero_is_exact_whatever_the_range) {
  for (const auto& [min, max] : {std::pair(-1.0f, 3.0f), std::pair(0.5f, 2.0f),
                                 std::pair(-2.0f, -0.5f), std::pair(-0.3f, 0.9f)}) {
    const QParams q = choose_qparams(min, max, kU8, Scheme::affine);
    BOOST_TEST(q.zero_point >= 0);
    BOOST_TEST(q.zero_point <= 255);
    BOOST_TEST(dequantize_value(quantize_value(0.0f, 1.0f / q.scale, q), q) == 0.0f);
  }
}

BOOST_AUTO_TEST_CASE(one_sided_ranges_start_or_end_at_zero) {
  BOOST_CHECK((choose_qparams(1, 2.55f, kU8, Scheme::affine) == QParams{2.55f / 255, 0, 0, 255}));
  BOOST_CHECK(
      (choose_qparams(-2.55f, -1, kU8, Scheme::affine) == QParams{2.55f / 255, 255, 0, 255}));
}

BOOST_AUTO_TEST_CASE(symmetric_weights_reach_both_ends) {
  const QParams q = choose_qparams(-0.5f, 0.25f, kS8, Scheme::symmetric);
  BOOST_CHECK((q == QParams{0.5f / 127, 0, -127, 127}));
  BOOST_TEST(quantize_value(-0.5f, 1.0f / q.scale, q) == -127);
  BOOST_TEST(choose_qparams(-1, 1, kU8, Scheme::symmetric).zero_point == 128);
}

BOOST_AUTO_TEST_CASE(nothing_but_zeros_has_the_least_scale) {
  BOOST_CHECK((choose_qparams(0, 0, kU8, Scheme::affine) == QParams{0x1p-23f, 0, 0, 255}));
  BOOST_CHECK(
      (choose_qparams(0, 0, kS8, Scheme::symmetric, 0x1p-12f) == QParams{0x1p-12f, 0, -127, 127}));
}

// Values of PyTorch 1.13.
BOOST_AUTO_TEST_CASE(the_fused_form_widens_symmetric_ranges_and_treats_one_sided_ones_as_affine) {
  BOOST_TEST(choose_qparams_fused(-1, 0.9f, kWholeS8, Scheme::symmetric).scale == 0.0078125f);
  BOOST_CHECK((choose_qparams_fused(0.1f, 1, kWholeS8, Scheme::symmetric) ==
               QParams{1.0f / 255, -128, -128, 127}));
  BOOST_CHECK((choose_qparams_fused(-1, -0.1f, kWholeS8, Scheme::symmetric) ==
               QParams{1.0f / 255, 127, -128, 127}));
  BOOST_CHECK(
      (choose_qparams_fused(0, 0, kWholeS8, Scheme::symmetric) == QParams{0.1f, 127, -128, 127}));
  BOOST_TEST(choose_qparams_fused(-1e-6f, 1e-6f, kU8, Scheme::affine).scale == 6.1e-5f);
}

BOOST_AUTO_TEST_CASE(rejects_what_is_not_a_range) {
  constexpr float kHuge = std::numeric_limits<float>::max();
  BOOST_TEST(message_of([] { choose_qparams(2, 1, kU8, Scheme::affine); }) ==
             "qparams: [2, 1] is not a range");
  BOOST_TEST(message_of([] { choose_qparams(0, INFINITY, kU8, Scheme::affine); }) ==
             "qparams: [0, inf] is not a range");
  BOOST_TEST(message_of([] {
               choose_qparams(0, 1, {5, 5}, Scheme::affine);
             }) == "qparams: quant_min 5 is not below quant_max 5");
  BOOST_CHECK_THROW(choose_qparams(-kHuge, kHuge, kU8, Scheme::affine), Error);
}

}  // namespace octet::quant
