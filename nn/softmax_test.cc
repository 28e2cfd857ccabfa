#define BOOST_TEST_MODULE softmax
#include "nn/softmax.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

// Rows of 7.
Values log_softmaxes(Values x) {
  for (size_t row = 0; row < x.size(); row += 7) {
    double sum = 0;
    for (size_t i = row; i < row + 7; ++i) sum += std::exp(x[i]);
    for (size_t i = row; i < row + 7; ++i) x[i] -= std::log(sum);
  }
  return x;
}

}  // namespace

// With logits in +-1, y <= 0.55 and y is off by 4 + 2 (exp) + 7 (sum) + 2 = 15 roundings. The
// gradient y_i (dy_i - s) is off by y_i (2 * 15 + 25), its terms are at least 0.45 y_i.
BOOST_AUTO_TEST_CASE(softmax_has_its_gradient) {
  check_gradients(
      "softmax", [](Inputs x) { return softmax(x[0]); }, {uniform({2, 3, 7}, 1.0f)},
      [](auto x) {
        Values y = log_softmaxes(x[0]);
        for (double& v : y) v = std::exp(v);
        return y;
      },
      {.roundings = 122});
}

// dy_i - p_i sum(dy): p_i is 15 roundings off, the sum 8, over terms of at least 3 / 7 of both.
BOOST_AUTO_TEST_CASE(log_softmax_has_its_gradient) {
  check_gradients(
      "log_softmax", [](Inputs x) { return log_softmax(x[0]); }, {uniform({2, 3, 7}, 1.0f)},
      [](auto x) { return log_softmaxes(x[0]); }, {.roundings = 23 * 7 / 3 + 2});
}

BOOST_AUTO_TEST_CASE(large_logits_do_not_overflow) {
  const Tensor x = Tensor::from({1, 3}, {1000, 1000, -1000});
  BOOST_TEST(equal_bits(softmax(x), Tensor::from({1, 3}, {0.5f, 0.5f, 0})));
  const float half = -std::log(2.0f);
  BOOST_TEST(equal_bits(log_softmax(x), Tensor::from({1, 3}, {half, half, -2000.0f + half})));
  BOOST_TEST(equal_bits(Softmax()(x), softmax(x)));
  BOOST_TEST(equal_bits(LogSoftmax()(x), log_softmax(x)));
}

BOOST_AUTO_TEST_CASE(the_engine_computes_the_same_bits) {
  Softmax net;
  const Tensor x = uniform({3, 5, 7}, 4.0f);
  const engine::Program program = lower(trace(net, Tensor::zeros({1, 5, 7})));
  BOOST_TEST(equal_bits(testing::run_engine(program, x), net(x)));
  LogSoftmax log;
  BOOST_TEST(message_of([&] {
               lower(trace(log, Tensor::zeros({1, 7})));
             }).find("can't be lowered") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(rows_must_not_be_empty) {
  BOOST_TEST(message_of([] {
               softmax(Tensor::zeros({2, 0}));
             }) == "softmax: input is f32 [2, 0], expects f32 with elements in the last dimension");
}

}  // namespace octet::nn
