#define BOOST_TEST_MODULE observer
#include "quant/observers/observer.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "quant/golden_testing.h"
#include "quant/observers/histogram.h"
#include "quant/observers/min_max.h"

namespace octet::quant {

using golden::message_of;

BOOST_AUTO_TEST_CASE(finds_the_ends_wherever_they_are) {
  for (size_t n = 1; n < 50; ++n) {
    for (size_t place = 0; place < n; ++place) {
      std::vector<float> x(n, 0.5f);
      x[place] = 7;
      BOOST_TEST(find_range(x).max == 7);
      x[place] = -7;
      BOOST_TEST(find_range(x).min == -7);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_is_named_and_changes_nothing) {
  HistogramObserver observer;
  observer.observe(Tensor::from({2}, {-1, 1}));
  for (const auto& [value, name] : {std::pair(NAN, "NaN"), std::pair(INFINITY, "infinity"),
                                    std::pair(-INFINITY, "-infinity")}) {
    for (size_t place = 0; place < 40; ++place) {
      Tensor x = Tensor::full({40}, 3);
      x.data<float>()[place] = value;
      BOOST_TEST(message_of([&] { observer.observe(x); }) ==
                 "observer: input holds " + std::string(name) + " at element " +
                     std::to_string(place));
    }
  }
  BOOST_CHECK((observer.ranges()[0] == ValueRange{-1, 1}));
}

BOOST_AUTO_TEST_CASE(has_no_qparams_before_the_first_observation) {
  MinMaxObserver observer(ObserverOptions::weight());
  BOOST_TEST(observer.never_observed());
  BOOST_TEST(message_of([&] { observer.qparams(); }) ==
             "observer: asked for qparams before anything was observed");
  BOOST_CHECK((observer.empty_qparams() == QParams{1.0f, 0, -127, 127}));
  observer.observe(Tensor::zeros({0, 4}));
  BOOST_TEST(observer.never_observed());
}

BOOST_AUTO_TEST_CASE(rejects_what_it_cannot_observe) {
  MinMaxObserver observer;
  BOOST_TEST(message_of([&] { observer.observe(Tensor::zeros({2}, DType::u8)); }) ==
             "observer: input is u8, expected f32");
  BOOST_TEST(message_of([&] { observer.observe(Tensor()); }) ==
             "observer: input is undefined, expected f32");
  BOOST_TEST(message_of([] {
               MinMaxObserver({.range = {-1, 255}});
             }) == "observer: range -1..255 is not within u8");
  BOOST_TEST(message_of([] { MinMaxObserver({.dtype = DType::s32}); }) ==
             "observer: dtype is s32, expected u8 or s8");
}

}  // namespace octet::quant
