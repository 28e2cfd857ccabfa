#define BOOST_TEST_MODULE mul
#include "nn/mul.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"

namespace octet::nn {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

BOOST_AUTO_TEST_CASE(products_of_one_shape) {
  check_gradients(
      "mul", [](Inputs x) { return mul(x[0], x[1]); },
      {uniform({3, 23}, 3.0f), uniform({3, 23}, 3.0f)},
      [](auto x) {
        for (size_t i = 0; i < x[0].size(); ++i) x[0][i] *= x[1][i];
        return x[0];
      });
  check_gradients(
      "square", [](Inputs x) { return mul(x[0], x[0]); }, {uniform({23}, 3.0f)},
      [](auto x) {
        for (double& v : x[0]) v *= v;
        return x[0];
      });
}

BOOST_AUTO_TEST_CASE(gates_of_images) {
  const Tensor image = uniform({2, 3, 2, 5}, 3.0f), gate = uniform({2, 1, 1, 5}, 3.0f);
  const auto gated = [](Values x, const Values& g) {
    for (size_t i = 0; i < x.size(); ++i) x[i] *= g[i / 30 * 5 + i % 5];
    return x;
  };
  check_gradients(
      "mul", [](Inputs x) { return mul(x[0], x[1]); }, {image, gate},
      [&](auto x) { return gated(x[0], x[1]); });
  check_gradients(
      "mul", [](Inputs x) { return mul(x[0], x[1]); }, {gate, image},
      [&](auto x) { return gated(x[1], x[0]); });
  BOOST_TEST(equal_bits(mul(gate, image), mul(image, gate)));
}

BOOST_AUTO_TEST_CASE(the_program_computes_the_same_bits) {
  const auto gate = [](const Tensor& x) { return max_pool2d(x, {.kernel_size = {3, 4}}); };
  testing::Lambda square([](const Tensor& x) { return mul(x, x); });
  testing::Lambda after([=](const Tensor& x) { return mul(x, gate(x)); });
  testing::Lambda before([=](const Tensor& x) { return mul(gate(x), x); });
  for (Module* net : std::initializer_list<Module*>{&square, &after, &before}) {
    const engine::Program program = lower(trace(*net, Tensor::zeros({1, 3, 4, 5})));
    const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
    BOOST_TEST(equal_bits(testing::run_engine(program, x), (*net)(x)));
  }
}

BOOST_AUTO_TEST_CASE(other_shapes_are_refused) {
  BOOST_TEST(message_of([] {
               mul(Tensor::zeros({2, 3, 3, 4}), Tensor::zeros({2, 3, 1, 4}));
             }) ==
             "mul: shapes [2, 3, 3, 4] and [2, 3, 1, 4] are neither equal nor [n, h, w, c] "
             "and [n, 1, 1, c]");
}

}  // namespace octet::nn
