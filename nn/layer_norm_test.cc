#define BOOST_TEST_MODULE layer_norm
#include "nn/layer_norm.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/nn_testing.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::Inputs;
using testing::message_of;
using testing::Values;

Values normalized(const std::vector<Values>& x, double eps) {
  Values y;
  const size_t n = x[1].size();
  for (size_t row = 0; row < x[0].size(); row += n) {
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; ++i) mean += x[0][row + i] / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i)
      var += (x[0][row + i] - mean) * (x[0][row + i] - mean) / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i)
      y.push_back((x[0][row + i] - mean) / std::sqrt(var + eps) * x[1][i] + x[2][i]);
  }
  return y;
}

}  // namespace

// A term has n roundings in the mean, n in the variance (half of it in its root) and n in a sum
// of the gradient, and 20 operations; terms inside the gradient of x are up to 5 times what is
// left of them (|z| < 2, weights within a factor of 3).
BOOST_AUTO_TEST_CASE(layer_norm_has_its_gradient) {
  for (int64_t n : {5, 37}) {
    const Tensor weight = uniform({n}, 0.5f);
    for (float& w : weight.values<float>()) w += 1.0f;
    check_gradients(
        "layer_norm",
        [](Inputs x) {
          return apply_one(std::make_shared<LayerNormOp>(LayerNormOptions{.eps = 1e-3f}),
                           {x[0], x[1], x[2]});
        },
        {uniform({2, 2, n}, 3.0f), weight, uniform({n}, 1.0f)},
        [](const auto& x) { return normalized(x, double{1e-3f}); },
        {.roundings = 5 * (3 * static_cast<int>(n) + 20)});
  }
}

BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  LayerNorm norm(21, {.eps = 1e-12f});
  for (float& w : norm.weight.values<float>()) w = default_generator().uniform(-1.0f, 1.0f);
  const Tensor x = uniform({3, 5, 21}, 2.0f);
  const engine::Program program = lower(trace(norm, x.slice(0, 1)));
  BOOST_TEST(testing::equal_bits(testing::run_engine(program, x), norm(x)));
}

BOOST_AUTO_TEST_CASE(starts_as_pytorch) {
  LayerNorm norm(6);
  const auto parameters = norm.named_parameters();
  BOOST_TEST(parameters[0].first == "weight");
  BOOST_TEST(parameters[1].first == "bias");
  for (float w : norm.weight.values<float>()) BOOST_TEST(w == 1.0f);
  for (float b : norm.bias.values<float>()) BOOST_TEST(b == 0.0f);
  BOOST_TEST(message_of([&] {
               norm(Tensor::zeros({2, 5}));
             }) == "layer_norm: weight has 6 elements, expects 5");
}

}  // namespace octet::nn
