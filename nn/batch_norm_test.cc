#define BOOST_TEST_MODULE batch_norm
#include "nn/batch_norm.h"

#include <boost/test/unit_test.hpp>

#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::at;

// Rounding of scale and shift (four operations each) and of the final multiply-add, 2^-24 each, on
// terms no larger than |x| + |mean| times scale, and |bias|.
double bound(double x, double mean, double scale, double bias) {
  return 8 * 0x1p-24 * ((std::abs(x) + std::abs(mean)) * std::abs(scale) + std::abs(bias));
}

void randomise(BatchNorm2d& bn) {
  for (float& w : bn.weight.values<float>()) w = default_generator().uniform(-2, 2);
  for (float& b : bn.bias.values<float>()) b = default_generator().uniform(-1, 1);
  for (float& m : bn.running_mean.values<float>()) m = default_generator().uniform(-1, 1);
  for (float& v : bn.running_var.values<float>()) v = default_generator().uniform(0.1f, 3);
}

void check_normalised(const BatchNorm2d& bn, const Tensor& x, const Tensor& y,
                      const std::vector<double>& mean, const std::vector<double>& var) {
  for (int64_t i = 0; i < x.elements(); ++i) {
    const size_t c = static_cast<size_t>(i % x.dim(3));
    const double scale = bn.weight.data<float>()[c] / std::sqrt(var[c] + double{1e-5f});
    const double b = bn.bias.data<float>()[c];
    const double v = x.data<float>()[i];
    BOOST_REQUIRE(std::abs(y.data<float>()[i] - ((v - mean[c]) * scale + b)) <=
                  bound(v, mean[c], scale, b));
  }
}

std::vector<double> doubles(const Tensor& t) {
  return {t.data<float>(), t.data<float>() + t.elements()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(starts_as_in_pytorch) {
  BatchNorm2d bn(2);
  for (int i : {0, 1}) {
    BOOST_TEST(bn.weight.data<float>()[i] == 1.0f);
    BOOST_TEST(bn.bias.data<float>()[i] == 0.0f);
    BOOST_TEST(bn.running_mean.data<float>()[i] == 0.0f);
    BOOST_TEST(bn.running_var.data<float>()[i] == 1.0f);
  }
  BOOST_TEST(bn.num_batches_tracked.data<int64_t>()[0] == 0);
  BOOST_TEST(bn.named_parameters().size() == 2u);
  BOOST_TEST(bn.named_buffers().size() == 3u);
}

BOOST_AUTO_TEST_CASE(eval_mode_uses_the_running_statistics_and_keeps_them) {
  manual_seed(3);
  BatchNorm2d bn(5);
  randomise(bn);
  bn.eval();
  const Tensor mean = bn.running_mean.clone(), var = bn.running_var.clone();
  const Tensor x = uniform({2, 3, 4, 5}, 4.0f);
  check_normalised(bn, x, bn(x), doubles(mean), doubles(var));
  BOOST_TEST(testing::equal_bits(mean, bn.running_mean));
  BOOST_TEST(testing::equal_bits(var, bn.running_var));
  BOOST_TEST(bn.num_batches_tracked.data<int64_t>()[0] == 0);
}

BOOST_AUTO_TEST_CASE(training_mode_uses_the_batch_and_moves_the_running_statistics) {
  manual_seed(4);
  const float momentum = 0.25f;
  BatchNorm2d bn(3, {.momentum = momentum});
  randomise(bn);
  const std::vector<double> old_mean = doubles(bn.running_mean), old_var = doubles(bn.running_var);
  const Tensor x = uniform({2, 3, 2, 3}, 4.0f);
  const double rows = 12;
  std::vector<double> mean(3), var(3);
  for (int64_t i = 0; i < x.elements(); ++i) mean[i % 3] += x.data<float>()[i] / rows;
  for (int64_t i = 0; i < x.elements(); ++i)
    var[i % 3] += std::pow(x.data<float>()[i] - mean[i % 3], 2) / rows;

  const Tensor y = bn(x);
  check_normalised(bn, x, y, mean, var);
  for (int c = 0; c < 3; ++c) {
    const double m = (1 - momentum) * old_mean[c] + momentum * mean[c];
    const double v = (1 - momentum) * old_var[c] + momentum * var[c] * rows / (rows - 1);
    BOOST_TEST(std::abs(bn.running_mean.data<float>()[c] - m) <= 0x1p-23 * std::abs(m) + 0x1p-40);
    BOOST_TEST(std::abs(bn.running_var.data<float>()[c] - v) <= 0x1p-23 * v);
  }
  BOOST_TEST(bn.num_batches_tracked.data<int64_t>()[0] == 1);
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  BatchNorm2d bn(4);
  BOOST_TEST(testing::message_of([&] {
               bn(Tensor::zeros({1, 5, 5, 3}));
             }) == "batch_norm: weight has 4 elements, expects 3");
  BOOST_TEST(testing::message_of([&] {
               bn(Tensor::zeros({1, 1, 1, 4}));
             }) ==
             "batch_norm: input [1, 1, 1, 4] has not more than 1 value per channel, which training "
             "needs");
  BOOST_TEST(bn.num_batches_tracked.data<int64_t>()[0] == 0);
}

}  // namespace octet::nn
