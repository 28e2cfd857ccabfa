#define BOOST_TEST_MODULE matmul
#include "nn/matmul.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/nn_testing.h"
#include "nn/transpose.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

}  // namespace

BOOST_AUTO_TEST_CASE(products_of_matrices) {
  struct Case {
    Shape a, b;
    size_t batch, m, k, n;
  };
  for (const Case& c :
       {Case{{3, 4}, {4, 5}, 1, 3, 4, 5}, Case{{2, 3, 1, 6}, {2, 3, 6, 2}, 6, 1, 6, 2},
        Case{{2, 4, 1}, {2, 1, 1}, 2, 4, 1, 1}})
    check_gradients(
        "matmul", [](Inputs x) { return matmul(x[0], x[1]); },
        {uniform(c.a, 1.0f), uniform(c.b, 1.0f)},
        [&](const auto& x) {
          Values y;
          for (size_t s = 0; s < c.batch; ++s)
            for (size_t i = 0; i < c.m; ++i)
              for (size_t j = 0; j < c.n; ++j) {
                double sum = 0;
                for (size_t k = 0; k < c.k; ++k)
                  sum += x[0][(s * c.m + i) * c.k + k] * x[1][(s * c.k + k) * c.n + j];
                y.push_back(sum);
              }
          return y;
        });
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_match_are_refused) {
  BOOST_TEST(message_of([] {
               matmul(Tensor::zeros({2, 3}), Tensor::zeros({2, 3}));
             }) == "matmul: shapes [2, 3] and [2, 3] don't match");
  BOOST_TEST(message_of([] {
               matmul(Tensor::zeros({2, 3, 4}), Tensor::zeros({3, 4, 5}));
             }) == "matmul: shapes [2, 3, 4] and [3, 4, 5] don't match");
  BOOST_TEST(message_of([] { matmul(Tensor::zeros({3}), Tensor::zeros({3})); }) ==
             "matmul: first input is [3], expects at least 2 dimensions");
}

BOOST_AUTO_TEST_CASE(any_two_dimensions_change_places) {
  const size_t extent[] = {2, 3, 4, 5}, stride[] = {60, 20, 5, 1};
  const Tensor x = uniform({2, 3, 4, 5}, 1.0f);
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 4; ++b)
      check_gradients(
          "transpose", [&](Inputs in) { return transpose(in[0], a, b - 4); }, {x},
          [&](const auto& in) {
            size_t order[] = {0, 1, 2, 3};
            std::swap(order[a], order[b]);
            Values y;
            size_t at[4];
            for (at[0] = 0; at[0] < extent[order[0]]; ++at[0])
              for (at[1] = 0; at[1] < extent[order[1]]; ++at[1])
                for (at[2] = 0; at[2] < extent[order[2]]; ++at[2])
                  for (at[3] = 0; at[3] < extent[order[3]]; ++at[3]) {
                    size_t from = 0;
                    for (size_t i = 0; i < 4; ++i) from += at[i] * stride[order[i]];
                    y.push_back(in[0][from]);
                  }
            return y;
          });
}

BOOST_AUTO_TEST_CASE(large_matrices_turn_and_turn_back) {
  const Tensor x = uniform({2, 67, 35}, 1.0f);
  const Tensor y = transpose(x, -1, -2);
  BOOST_CHECK(y.shape() == (Shape{2, 35, 67}));
  BOOST_TEST(y.data<float>()[3 * 67 + 40] == x.data<float>()[40 * 35 + 3]);
  BOOST_TEST(equal_bits(transpose(y, 1, 2), x));
}

}  // namespace octet::nn
