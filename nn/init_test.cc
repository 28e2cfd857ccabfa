#define BOOST_TEST_MODULE init
#include "nn/init.h"

#include <boost/test/unit_test.hpp>

#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::equal_bits;
using testing::message_of;

void check_deviation(const Tensor& tensor, double expected) {
  double squares = 0;
  for (const float v : tensor.values<float>()) squares += double{v} * v;
  // The relative deviation of an estimate from n samples is 1 / sqrt(2 n): six of them.
  const auto n = static_cast<double>(tensor.elements());
  BOOST_TEST(std::abs(std::sqrt(squares / n) / expected - 1) < 6 / std::sqrt(2 * n));
}

}  // namespace

BOOST_AUTO_TEST_CASE(normal_has_its_deviation_and_follows_the_seed) {
  const Tensor a = Tensor::zeros({100, 100}), b = Tensor::zeros({100, 100});
  manual_seed(1);
  normal_(a, 0.01f);
  check_deviation(a, 0.01);
  normal_(b, 0.01f);
  BOOST_TEST(!equal_bits(a, b));
  manual_seed(1);
  normal_(b, 0.01f);
  BOOST_TEST(equal_bits(a, b));
}

BOOST_AUTO_TEST_CASE(kaiming_normal_counts_fans_as_pytorch) {
  const Tensor conv = Tensor::zeros({64, 3, 5, 16}), linear = Tensor::zeros({30, 200});
  kaiming_normal_(conv, FanMode::fan_in);
  check_deviation(conv, std::sqrt(2.0 / (16 * 15)));
  kaiming_normal_(conv, FanMode::fan_out);
  check_deviation(conv, std::sqrt(2.0 / (64 * 15)));
  kaiming_normal_(linear, FanMode::fan_in);
  check_deviation(linear, std::sqrt(2.0 / 200));
  kaiming_normal_(linear, FanMode::fan_out);
  check_deviation(linear, std::sqrt(2.0 / 30));
  BOOST_TEST(message_of([] { kaiming_normal_(Tensor::zeros({3}), FanMode::fan_in); }) ==
             "kaiming_normal_: weight has shape [3], expects at least 2 dimensions and 1 element");
}

}  // namespace octet::nn
