#define BOOST_TEST_MODULE histogram
#include "quant/observers/histogram.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "quant/golden_testing.h"

namespace octet::quant {
namespace {

void check_histogram_step(const HistogramObserver& observer, const nlohmann::json& step) {
  const std::span<const float> histogram = observer.histogram();
  // The golden sum is in f32, of 2048 terms in pairs of pairs: 11 roundings of half an ulp each.
  const double sum = std::accumulate(histogram.begin(), histogram.end(), 0.0);
  BOOST_TEST(std::abs(sum - step["hist_sum"].get<double>()) <= 11 * 0x1p-24 * sum);
  const auto fullest = std::max_element(histogram.begin(), histogram.end()) - histogram.begin();
  BOOST_TEST(fullest == step["hist_argmax"].get<int>());
  BOOST_TEST(observer.search_range().min == step["search"][0].get<float>());
  BOOST_TEST(observer.search_range().max == step["search"][1].get<float>());
}

}  // namespace

BOOST_AUTO_TEST_CASE(agrees_with_pytorch_1_13_on_every_stream_and_setting) {
  for (const std::string kind : golden::kKinds) {
    for (const auto& [name, options] : golden::settings()) {
      HistogramObserver observer(options, HistogramForm::pytorch_1_13);
      const nlohmann::json& steps = golden::all().at("obs/hist/" + kind + "/" + name);
      for (int b = 0; b < golden::kBatches; ++b) {
        BOOST_TEST_CONTEXT(kind << " " << name << " batch " << b) {
          observer.observe(golden::stream(kind, b));
          golden::check_step(observer, steps[b]);
          check_histogram_step(observer, steps[b]);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(both_forms_agree_where_the_ends_of_the_range_are_integers) {
  HistogramObserver observer, observer_1_13({}, HistogramForm::pytorch_1_13);
  const Tensor x = golden::stream("outlier", 0);
  for (int i = 0; i < 2; ++i) {
    observer.observe(x);
    observer_1_13.observe(x);
    BOOST_CHECK(std::ranges::equal(observer.histogram(), observer_1_13.histogram()));
  }
}

BOOST_AUTO_TEST_CASE(counts_every_value_between_the_true_ends) {
  for (const std::string kind : golden::kKinds) {
    BOOST_TEST_CONTEXT(kind) {
      HistogramObserver observer;
      for (int b = 0; b < golden::kBatches; ++b) {
        observer.observe(golden::stream(kind, b));
        const std::span<const float> histogram = observer.histogram();
        const double sum = std::accumulate(histogram.begin(), histogram.end(), 0.0);
        // A bin that was redistributed is rounded to f32 once per batch.
        const double count = 4096.0 * (b + 1);
        BOOST_TEST(std::abs(sum - count) <= b * 0x1p-23 * count);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(puts_each_value_in_the_bin_of_the_formula) {
  // Bins of width 1: the last one holds both of its ends.
  std::vector<float> x = {0, 0.5f, 1, 2047, 2048};
  HistogramObserver observer;
  observer.observe(Tensor::from<float>({5}, x));
  BOOST_TEST(observer.histogram()[0] == 2);
  BOOST_TEST(observer.histogram()[1] == 1);
  BOOST_TEST(observer.histogram()[2047] == 2);
}

BOOST_AUTO_TEST_CASE(spreads_old_counts_evenly_when_the_range_grows) {
  HistogramObserver observer;
  // 2048 in [0, 2048], one per bin of width 1 and one more at the end; then [0, 4096]: width 2.
  std::vector<float> x(2049);
  std::iota(x.begin(), x.end(), 0.0f);
  observer.observe(Tensor::from<float>({2049}, x));
  observer.observe(Tensor::from({1}, {4096}));
  BOOST_TEST(observer.ranges()[0].min == 0);
  BOOST_TEST(observer.ranges()[0].max == 4096);
  BOOST_TEST(observer.histogram()[0] == 2);
  BOOST_TEST(observer.histogram()[1022] == 2);
  BOOST_TEST(observer.histogram()[1023] == 3);
  BOOST_TEST(observer.histogram()[1024] == 0);
  BOOST_TEST(observer.histogram()[2047] == 1);
}

BOOST_AUTO_TEST_CASE(a_range_that_grows_beyond_the_grid_keeps_its_counts_in_one_bin) {
  // Growth that f32 can't divide, parts below the least float, and an extent beyond the largest.
  for (const auto& [small, large] :
       {std::pair(1e-30f, 1e30f), std::pair(1e-40f, 1e-38f), std::pair(1e-30f, 3e38f)}) {
    BOOST_TEST_CONTEXT(small << " then " << large) {
      HistogramObserver observer;
      observer.observe(Tensor::from({2}, {0, small}));
      observer.observe(Tensor::from({2}, {-large, large}));
      const std::span<const float> histogram = observer.histogram();
      BOOST_TEST(std::accumulate(histogram.begin(), histogram.end(), 0.0) == 4);
      BOOST_TEST(*std::max_element(histogram.begin(), histogram.end()) >= 2);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_constant_has_its_own_value_as_range_and_gives_way_to_the_next_tensor) {
  HistogramObserver observer;
  observer.observe(Tensor::from({3}, {5, 5, 5}));
  BOOST_CHECK((observer.search_range() == ValueRange{5, 5}));
  BOOST_TEST(observer.qparams().front().scale == 5.0f / 255);
  observer.observe(Tensor::from({2}, {-1, 1}));
  BOOST_CHECK((observer.ranges()[0] == ValueRange{-1, 1}));
}

BOOST_AUTO_TEST_CASE(leaves_out_a_single_far_value) {
  std::vector<float> x = golden::lcg(1 << 18, 1);
  x[5] = 100;
  HistogramObserver observer;
  observer.observe(Tensor::from<float>({1 << 18}, x));
  BOOST_TEST(observer.ranges()[0].max == 100);
  BOOST_TEST(observer.search_range().max < 100);
}

BOOST_AUTO_TEST_CASE(starts_anew_after_reset) {
  HistogramObserver observer;
  observer.observe(golden::stream("outlier", 0));
  observer.reset();
  BOOST_TEST(observer.never_observed());
  observer.observe(golden::stream("uniform", 0));
  HistogramObserver fresh;
  fresh.observe(golden::stream("uniform", 0));
  BOOST_CHECK(std::ranges::equal(observer.histogram(), fresh.histogram()));
  BOOST_CHECK(observer.qparams() == fresh.qparams());
}

}  // namespace octet::quant
