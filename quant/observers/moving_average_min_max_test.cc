#define BOOST_TEST_MODULE moving_average_min_max
#include "quant/observers/moving_average_min_max.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"

namespace octet::quant {

BOOST_AUTO_TEST_CASE(agrees_with_pytorch_1_13_on_every_stream_and_setting) {
  for (const std::string kind : golden::kKinds) {
    for (const auto& [name, options] : golden::settings()) {
      MovingAverageMinMaxObserver observer(options);
      const nlohmann::json& steps = golden::all().at("obs/movavg/" + kind + "/" + name);
      for (int b = 0; b < golden::kBatches; ++b) {
        BOOST_TEST_CONTEXT(kind << " " << name << " batch " << b) {
          observer.observe(golden::stream(kind, b));
          golden::check_step(observer, steps[b]);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(takes_the_first_range_whole_and_a_fraction_of_the_next) {
  MovingAverageMinMaxObserver observer(ObserverOptions::activation(), 0.25f);
  observer.observe(Tensor::from({2}, {-1, 1}));
  BOOST_CHECK((observer.ranges()[0] == ValueRange{-1, 1}));
  observer.observe(Tensor::from({2}, {-5, 1}));
  BOOST_CHECK((observer.ranges()[0] == ValueRange{-2, 1}));
}

}  // namespace octet::quant
