#define BOOST_TEST_MODULE learnable_scale
#include "quant/observers/learnable_scale.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"

namespace octet::quant {

BOOST_AUTO_TEST_CASE(begins_with_the_first_range_and_keeps_it) {
  LearnableScaleObserver observer(ObserverOptions::activation());
  const Tensor handed_out = observer.learned_scale();
  observer.observe(Tensor::from({3}, {0.0f, 1.0f, 2.55f}));
  const QParams first = observer.qparams().front();
  BOOST_TEST(first.scale == 2.55f / 255.0f);
  BOOST_TEST(first.zero_point == 0);
  BOOST_TEST(same(handed_out, observer.learned_scale()));
  observer.observe(Tensor::from({2}, {-100.0f, 100.0f}));
  BOOST_CHECK(observer.qparams().front() == first);
}

BOOST_AUTO_TEST_CASE(the_learned_scale_is_what_counts) {
  LearnableScaleObserver observer(ObserverOptions::weight(), 0);
  observer.observe(Tensor::from({2, 2}, {1.27f, 0.0f, -2.54f, 1.0f}));
  BOOST_TEST_REQUIRE(observer.learned_scale().dim(0) == 2);
  BOOST_TEST(observer.learned_scale().requires_grad());
  observer.learned_scale().data<float>()[1] = 0.5f;
  BOOST_TEST(observer.qparams()[0].scale == 0.01f, boost::test_tools::tolerance(1e-6f));
  BOOST_TEST(observer.qparams()[1].scale == 0.5f);
}

BOOST_AUTO_TEST_CASE(a_scale_that_a_step_took_below_eps_is_eps_again) {
  LearnableScaleObserver observer(ObserverOptions::weight());
  observer.observe(Tensor::from({2}, {1.27f, 0.0f}));
  for (const float after : {0.0f, -0.5f, observer.options().eps / 2}) {
    observer.learned_scale().data<float>()[0] = after;
    BOOST_TEST(observer.qparams()[0].scale == observer.options().eps);
    // Steps go on from there.
    BOOST_TEST(observer.learned_scale().data<float>()[0] == observer.options().eps);
  }
}

BOOST_AUTO_TEST_CASE(the_gradient_factor_is_that_of_the_paper) {
  BOOST_TEST(lsq_gradient_factor(100, {-7, 7}) == 1.0f / std::sqrt(700.0f),
             boost::test_tools::tolerance(1e-6f));
}

}  // namespace octet::quant
