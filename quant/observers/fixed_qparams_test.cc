#define BOOST_TEST_MODULE fixed_qparams
#include "quant/observers/fixed_qparams.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"

namespace octet::quant {

BOOST_AUTO_TEST_CASE(says_what_it_was_given_whatever_it_sees) {
  const QParams given{0.5f, 3, 0, 255};
  FixedQParamsObserver observer(DType::u8, {given});
  const auto check = [&] {
    BOOST_TEST(!observer.never_observed());
    BOOST_REQUIRE(observer.qparams().size() == 1);
    BOOST_CHECK((observer.qparams()[0] == given));
    BOOST_CHECK((observer.ranges()[0] == ValueRange{-1.5f, 126.0f}));
  };
  check();
  observer.observe(Tensor::from({2}, {-1000, 1000}));
  check();
  observer.reset();
  check();
  observer.restore({{0, 1}});
  check();
}

BOOST_AUTO_TEST_CASE(one_for_each_channel) {
  const std::vector<QParams> given = {{0.5f, 0, -128, 127}, {2.0f, 0, -128, 127}};
  FixedQParamsObserver observer(DType::s8, given, 0);
  observer.observe(Tensor::from({2, 1}, {1, 2}));
  BOOST_CHECK((observer.qparams() == given));
  BOOST_TEST(observer.empty_qparams().quant_min == -128);
  BOOST_TEST(golden::message_of([&] {
               observer.observe(Tensor::from({1, 2}, {1, 2}));
             }) == "observer: 2 scales are given along axis 0, input is [1, 2]");
}

BOOST_AUTO_TEST_CASE(rejects_none_and_what_does_not_fit_the_type) {
  BOOST_TEST(golden::message_of([] { FixedQParamsObserver(DType::u8, {}); }) ==
             "observer: no qparams are given");
  BOOST_TEST(golden::message_of([] {
               FixedQParamsObserver(DType::u8, {{1.0f, 0, -128, 127}});
             }) == "observer: range -128..127 is not within u8");
}

}  // namespace octet::quant
