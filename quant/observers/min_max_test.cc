#define BOOST_TEST_MODULE min_max
#include "quant/observers/min_max.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"

namespace octet::quant {

BOOST_AUTO_TEST_CASE(agrees_with_pytorch_1_13_on_every_stream_and_setting) {
  for (const std::string kind : golden::kKinds) {
    for (const auto& [name, options] : golden::settings()) {
      MinMaxObserver observer(options);
      const nlohmann::json& steps = golden::all().at("obs/minmax/" + kind + "/" + name);
      for (int b = 0; b < golden::kBatches; ++b) {
        BOOST_TEST_CONTEXT(kind << " " << name << " batch " << b) {
          observer.observe(golden::stream(kind, b));
          golden::check_step(observer, steps[b]);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(keeps_the_widest_range_until_reset) {
  MinMaxObserver observer;
  observer.observe(Tensor::from({2}, {-1, 3}));
  observer.observe(Tensor::from({2}, {-2, 1}));
  BOOST_CHECK((observer.ranges()[0] == ValueRange{-2, 3}));
  observer.reset();
  BOOST_TEST(observer.never_observed());
  observer.observe(Tensor::from({2}, {0, 1}));
  BOOST_CHECK((observer.ranges()[0] == ValueRange{0, 1}));
}

}  // namespace octet::quant
