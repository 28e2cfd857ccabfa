#define BOOST_TEST_MODULE per_channel_min_max
#include "quant/observers/per_channel_min_max.h"

#include <boost/test/unit_test.hpp>

#include "quant/golden_testing.h"

namespace octet::quant {
namespace {

// [8, 512], channel k scaled by (k + 1) / 8.
Tensor scaled_channels(int b) {
  Tensor x = golden::stream("uniform", b, {8, 512});
  for (int i = 0; i < 4096; ++i) x.data<float>()[i] *= static_cast<float>(i / 512 + 1) / 8;
  return x;
}

template <class Kind>
void check_against_golden(const std::string& name, const ObserverOptions& options) {
  Kind observer(options);
  for (int b = 0; b < golden::kBatches; ++b) observer.observe(scaled_channels(b));
  const nlohmann::json& expected = golden::all().at(name);
  const std::vector<QParams> qparams = observer.qparams();
  BOOST_TEST_REQUIRE(qparams.size() == 8u);
  for (size_t c = 0; c < 8; ++c) {
    BOOST_TEST_CONTEXT(name << " channel " << c) {
      BOOST_TEST(observer.ranges()[c].min == expected["min"][c].get<float>());
      BOOST_TEST(observer.ranges()[c].max == expected["max"][c].get<float>());
      BOOST_TEST(qparams[c].scale == expected["scale"][c].get<float>());
      BOOST_TEST(qparams[c].zero_point == expected["zp"][c].get<int>());
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(agrees_with_pytorch_1_13) {
  const ObserverOptions s8 = {DType::s8, Scheme::symmetric, {-128, 127}}, u8 = {};
  check_against_golden<PerChannelMinMaxObserver>("obs/pc_minmax/s8sym", s8);
  check_against_golden<PerChannelMinMaxObserver>("obs/pc_minmax/u8aff", u8);
  check_against_golden<MovingAveragePerChannelMinMaxObserver>("obs/pc_movavg/s8sym", s8);
  check_against_golden<MovingAveragePerChannelMinMaxObserver>("obs/pc_movavg/u8aff", u8);
}

BOOST_AUTO_TEST_CASE(finds_ranges_along_any_axis) {
  const Tensor x = Tensor::from({2, 3, 2}, {0, 1, 2, 3, 4, 5, -6, -7, -8, -9, -10, -11});
  const std::vector<ValueRange> expected[] = {
      {{0, 5}, {-11, -6}}, {{-7, 1}, {-9, 3}, {-11, 5}}, {{-10, 4}, {-11, 5}}};
  for (int axis = 0; axis < 3; ++axis) {
    PerChannelMinMaxObserver observer(ObserverOptions::weight(), axis);
    observer.observe(x);
    BOOST_TEST(*observer.ch_axis() == axis);
    BOOST_CHECK(observer.ranges() == expected[axis]);
  }
}

BOOST_AUTO_TEST_CASE(rejects_another_number_of_channels_and_a_missing_axis) {
  PerChannelMinMaxObserver observer;
  observer.observe(Tensor::from({2, 1}, {1, 2}));
  BOOST_TEST(golden::message_of([&] {
               observer.observe(Tensor::zeros({3, 1}));
             }) == "observer: input has 3 channels, earlier ones had 2");
  PerChannelMinMaxObserver far(ObserverOptions::weight(), 2);
  BOOST_TEST(golden::message_of([&] {
               far.observe(Tensor::zeros({3, 1}));
             }) == "observer: ch_axis is 2, input has shape [3, 1]");
}

BOOST_AUTO_TEST_CASE(names_the_place_of_a_nan_in_the_whole_tensor) {
  Tensor x = Tensor::zeros({4, 8});
  x.data<float>()[17] = NAN;
  PerChannelMinMaxObserver observer;
  BOOST_TEST(golden::message_of([&] { observer.observe(x); }) ==
             "observer: input holds NaN at element 17");
}

}  // namespace octet::quant
