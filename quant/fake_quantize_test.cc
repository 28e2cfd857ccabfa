#define BOOST_TEST_MODULE fake_quantize
#include "quant/fake_quantize.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "quant/golden_testing.h"
#include "quant/observers/per_channel_min_max.h"

namespace octet::quant {
namespace {

// A golden of PyTorch's fused moving average observer and fake_quantize: its qparams are
// choose_qparams_fused of the moving average, and those of its calculate_qparams() choose_qparams.
void check_fused_golden(const std::string& name, const Shape& shape, Observer& observer) {
  const auto& [dtype, scheme, range, eps] = observer.options();
  for (int b = 0; b < golden::kBatches; ++b) {
    BOOST_TEST_CONTEXT(name << " batch " << b) {
      const Tensor x = golden::stream("uniform", b, shape);
      observer.observe(x);
      const nlohmann::json& step = golden::all().at("fused/" + name)[b];
      const std::vector<QParams> observed = observer.qparams();
      std::vector<QParams> fused;
      BOOST_TEST_REQUIRE(observed.size() == step["scale"].size());
      for (size_t c = 0; c < observed.size(); ++c) {
        const ValueRange& seen = observer.ranges()[c];
        BOOST_TEST(seen.min == step["min"][c].get<float>());
        BOOST_TEST(seen.max == step["max"][c].get<float>());
        fused.push_back(choose_qparams_fused(seen.min, seen.max, range, scheme));
        BOOST_TEST(fused[c].scale == step["scale"][c].get<float>());
        BOOST_TEST(fused[c].zero_point == step["zp"][c].get<int>());
        BOOST_TEST(observed[c].scale == step["py_qparams"][0][c].get<float>());
        BOOST_TEST(observed[c].zero_point == step["py_qparams"][1][c].get<int>());
      }
      const FakeQuantized result = fake_quantize(x, fused, 0);
      double sum = 0;
      int masked = 0;
      for (size_t i = 0; i < 4096; ++i) {
        const float y = result.y.data<float>()[i];
        if (i < 16) BOOST_TEST(y == step["y16"][i].get<float>());
        sum += y;
        masked += result.mask.data<uint8_t>()[i] == 0;
      }
      // 4096 additions in double of values below 2, in any order.
      BOOST_TEST(std::abs(sum - step["y_sum"].get<double>()) <= 4096 * 8192 * 0x1p-53);
      BOOST_TEST(masked == step["masked"].get<int>());
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(agrees_with_pytorch_1_13) {
  const ObserverOptions s8 = {DType::s8, Scheme::symmetric, {-128, 127}};
  MovingAverageMinMaxObserver act, act_rr({.range = {0, 127}}), wt(s8);
  MovingAveragePerChannelMinMaxObserver wt_pc(s8);
  check_fused_golden("act", {4096}, act);
  check_fused_golden("act_rr", {4096}, act_rr);
  check_fused_golden("wt", {8, 512}, wt);
  check_fused_golden("wt_pc", {8, 512}, wt_pc);
}

BOOST_AUTO_TEST_CASE(rounds_ties_to_even_as_pytorch_does) {
  const nlohmann::json& ties = golden::all().at("ties");
  const std::vector<float> x = ties["x"].get<std::vector<float>>();
  const QParams qparams = {1.0f, 3, 0, 255};
  const Tensor y =
      fake_quantize(Tensor::from<float>({static_cast<int64_t>(x.size())}, x), qparams).y;
  for (size_t i = 0; i < x.size(); ++i) {
    const int q = ties["u8_scale1_zp3"][i].get<int>();
    BOOST_TEST(quantize_value(x[i], 1.0f, qparams) == q);
    BOOST_TEST(y.data<float>()[i] == static_cast<float>(q - 3));
  }
}

BOOST_AUTO_TEST_CASE(the_mask_is_on_the_rounded_integer) {
  const QParams qparams = {1.0f, 1, 0, 3};
  const Tensor x = Tensor::from({7}, {-1.75f, -1.25f, -1, 2, 2.25f, 2.75f, NAN});
  const FakeQuantized result = fake_quantize(x, qparams);
  const float y[] = {-1, -1, -1, 2, 2, 2, -1};
  const int mask[] = {0, 1, 1, 1, 1, 0, 0};
  for (size_t i = 0; i < 7; ++i) {
    BOOST_TEST(result.y.data<float>()[i] == y[i]);
    BOOST_TEST(int{result.mask.data<uint8_t>()[i]} == mask[i]);
  }
}

BOOST_AUTO_TEST_CASE(each_channel_has_its_own_qparams_along_any_axis) {
  const Tensor x = Tensor::from({2, 2}, {0.6f, 0.6f, 0.6f, 0.6f});
  const std::vector<QParams> qparams = {{1.0f, 0, -127, 127}, {0.5f, 0, -127, 127}};
  const Tensor rows = fake_quantize(x, qparams, 0).y, columns = fake_quantize(x, qparams, 1).y;
  const float expected_rows[] = {1, 1, 0.5f, 0.5f}, expected_columns[] = {1, 0.5f, 1, 0.5f};
  for (size_t i = 0; i < 4; ++i) {
    BOOST_TEST(rows.data<float>()[i] == expected_rows[i]);
    BOOST_TEST(columns.data<float>()[i] == expected_columns[i]);
  }
}

BOOST_AUTO_TEST_CASE(rejects_qparams_that_do_not_fit_the_channels) {
  const std::vector<QParams> three(3);
  BOOST_TEST(golden::message_of([&] {
               fake_quantize(Tensor::zeros({2, 2}), three, 0);
             }) == "fake_quantize: 3 qparams for 2 channels");
  BOOST_TEST(golden::message_of([&] {
               fake_quantize(Tensor::zeros({2, 2}), three, 2);
             }) == "fake_quantize: ch_axis is 2, input has shape [2, 2]");
}

BOOST_AUTO_TEST_CASE(observes_before_it_quantizes) {
  FakeQuantize fake(std::make_unique<MovingAverageMinMaxObserver>());
  const FakeQuantized result = fake(Tensor::from({2}, {0, 255}));
  BOOST_TEST(fake.qparams()[0].scale == 1.0f);
  BOOST_TEST(result.y.data<float>()[1] == 255);
}

BOOST_AUTO_TEST_CASE(each_half_can_be_switched_off) {
  FakeQuantize fake(std::make_unique<MovingAverageMinMaxObserver>());
  fake(Tensor::from({2}, {0, 255}));
  fake.enable_observer(false);
  const FakeQuantized clipped = fake(Tensor::from({1}, {300.25f}));
  BOOST_TEST(clipped.y.data<float>()[0] == 255);
  BOOST_TEST(int{clipped.mask.data<uint8_t>()[0]} == 0);
  BOOST_TEST(fake.qparams()[0].scale == 1.0f);

  fake.enable_observer();
  fake.enable_fake_quant(false);
  const Tensor x = Tensor::from({1}, {600.25f});
  const FakeQuantized untouched = fake(x);
  BOOST_TEST(same(untouched.y, x));
  BOOST_TEST(int{untouched.mask.data<uint8_t>()[0]} == 1);
  BOOST_TEST(fake.qparams()[0].scale > 1.0f);
}

}  // namespace octet::quant
