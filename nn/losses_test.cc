#define BOOST_TEST_MODULE losses
#include <boost/test/unit_test.hpp>
#include <vector>

#include "nn/cross_entropy.h"
#include "nn/gradient_testing.h"
#include "nn/mse_loss.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::Inputs;
using testing::message_of;
using testing::Values;

constexpr size_t kClasses = 7;

Tensor labels(std::vector<int64_t> values) {
  return Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
}

double mean_loss(const Values& logits, const Values& labels, double smoothing) {
  double loss = 0;
  for (size_t row = 0; row < labels.size(); ++row) {
    const double* x = logits.data() + row * kClasses;
    double sum = 0;
    for (size_t c = 0; c < kClasses; ++c) sum += std::exp(x[c]);
    for (size_t c = 0; c < kClasses; ++c) {
      const double q = (static_cast<double>(c) == labels[row] ? 1 - smoothing : 0.0) +
                       smoothing / static_cast<double>(kClasses);
      loss -= q * (x[c] - std::log(sum));
    }
  }
  return loss / static_cast<double>(labels.size());
}

}  // namespace

// With logits in +-1 the softmax p is 15 roundings off (softmax_test.cc) and at least 0.022; of
// p - q, q = 0.1 / 7 or p - 1 >= -0.45, that makes 15 p / (p - q) <= 43.
BOOST_AUTO_TEST_CASE(cross_entropy_has_its_gradient) {
  for (float smoothing : {0.0f, 0.1f})
    check_gradients(
        "cross_entropy",
        [&](Inputs x) { return cross_entropy(x[0], x[1], {.label_smoothing = smoothing}); },
        {uniform({4, kClasses}, 1.0f), labels({3, 0, 6, 3})},
        [&](auto x) { return Values{mean_loss(x[0], x[1], double{smoothing})}; },
        {.roundings = 50});
}

BOOST_AUTO_TEST_CASE(the_module_is_the_function) {
  const Tensor x = uniform({2, 5}, 1.0f), y = labels({1, 4});
  const CrossEntropyLoss loss({.label_smoothing = 0.2f});
  BOOST_TEST(testing::equal_bits(loss(x, y), cross_entropy(x, y, {.label_smoothing = 0.2f})));
}

BOOST_AUTO_TEST_CASE(large_logits_do_not_overflow) {
  const Tensor x = Tensor::from({1, 2}, {1000, -1000});
  BOOST_TEST(cross_entropy(x, labels({0})).data<float>()[0] == 0.0f);
  BOOST_TEST(cross_entropy(x, labels({1})).data<float>()[0] == 2000.0f);
}

BOOST_AUTO_TEST_CASE(labels_out_of_range_are_refused) {
  const Tensor x = Tensor::zeros({2, 5});
  BOOST_TEST(message_of([&] {
               cross_entropy(x, labels({1, 5}));
             }) == "cross_entropy: label 1 is 5, expects 0 to 4");
  BOOST_TEST(message_of([&] {
               cross_entropy(x, labels({-1, 0}));
             }) == "cross_entropy: label 0 is -1, expects 0 to 4");
  BOOST_TEST(message_of([&] { cross_entropy(x, labels({1})); }) ==
             "cross_entropy: labels are s64 [1], expects s64 [2]");
  BOOST_TEST(message_of([] { CrossEntropyLoss({.label_smoothing = 2.0f}); }) ==
             "cross_entropy: label_smoothing is 2, expects 0 to 1");
}

BOOST_AUTO_TEST_CASE(mse_loss_has_its_gradient) {
  check_gradients(
      "mse_loss", [](Inputs x) { return mse_loss(x[0], x[1]); },
      {uniform({4, 3}, 1.0f), uniform({4, 3}, 1.0f)},
      [](auto x) {
        double sum = 0;
        for (size_t i = 0; i < 12; ++i) sum += (x[0][i] - x[1][i]) * (x[0][i] - x[1][i]);
        return Values{sum / 12};
      });
  BOOST_TEST(message_of([] { mse_loss(Tensor::zeros({2}), Tensor::zeros({3})); }) ==
             "mse_loss: shapes are [2] and [3]");
}

}  // namespace octet::nn
