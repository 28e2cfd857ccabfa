// Gradients of the layers without weights.
#define BOOST_TEST_MODULE simple_gradients
#include <boost/test/unit_test.hpp>
#include <limits>

#include "kernels/pool_geometry.h"
#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/avg_pool2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/gradient_testing.h"
#include "nn/identity.h"
#include "nn/max_pool2d.h"
#include "nn/nn_testing.h"
#include "nn/stubs.h"
#include "tensor/backward.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::Values;

Values clamped(const Values& x, double lo, double hi) {
  Values y;
  for (double v : x) y.push_back(std::min(std::max(v, lo), hi));
  return y;
}

// The gradient of f at x for dy.
template <class F>
Tensor gradient(const F& f, const Tensor& x, const Tensor& dy) {
  x.set_requires_grad();
  const Recording recording;
  backward(f(x), dy);
  return x.grad();
}

// combine(sum or maximum, value) over each window of x [2, h, w, 3], then finish(..., divisor).
template <class Combine, class Finish>
Values pooled(const kernels::PoolGeometry& pool, const Values& x, double start,
              const Combine& combine, const Finish& finish) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  Values y;
  for (size_t n = 0; n < 2; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy)
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t c = 0; c < 3; ++c) {
          double value = start;
          const auto rows = pool.rows(oy), columns = pool.columns(ox);
          for (size_t iy = rows.first; iy < rows.last; iy += rows.step)
            for (size_t ix = columns.first; ix < columns.last; ix += columns.step)
              value = combine(value, x[((n * g.in_h + iy) * g.in_w + ix) * 3 + c]);
          y.push_back(finish(value, static_cast<double>(pool.divisor(rows, columns))));
        }
  return y;
}

double sum(double a, double b) { return a + b; }
double quotient(double a, double b) { return a / b; }
double larger(double a, double b) { return std::max(a, b); }
double first(double a, double) { return a; }

}  // namespace

BOOST_AUTO_TEST_CASE(clamps) {
  check_gradients(
      "relu", [](Inputs x) { return relu(x[0]); }, {uniform({3, 37}, 3.0f)},
      [](auto x) { return clamped(x[0], 0, INFINITY); });
  check_gradients(
      "relu6", [](Inputs x) { return relu6(x[0]); }, {uniform({3, 37}, 9.0f)},
      [](auto x) { return clamped(x[0], 0, 6); });
}

BOOST_AUTO_TEST_CASE(a_clamp_passes_nothing_at_its_bounds) {
  const Tensor x = Tensor::from({5}, {-1, 0, 3, 6, 7}), dy = Tensor::from({5}, {1, 2, 3, 4, 5});
  BOOST_TEST(equal_bits(gradient(relu, x, dy), Tensor::from({5}, {0, 0, 3, 4, 5})));
  x.zero_grad();
  BOOST_TEST(equal_bits(gradient(relu6, x, dy), Tensor::from({5}, {0, 0, 3, 0, 0})));
}

BOOST_AUTO_TEST_CASE(sums_hand_on_to_both) {
  const auto both = [](auto x) {
    for (size_t i = 0; i < x[0].size(); ++i) x[0][i] += x[1][i];
    return x[0];
  };
  check_gradients(
      "add", [](Inputs x) { return add(x[0], x[1]); },
      {uniform({2, 9}, 3.0f), uniform({2, 9}, 3.0f)}, both);
  // Each of the two gradients of x may overwrite its own only.
  check_gradients(
      "relu(x) + relu6(x)", [](Inputs x) { return add(relu(x[0]), relu6(x[0])); },
      {uniform({2, 19}, 9.0f)},
      [&](auto x) {
        return both(std::vector<Values>{clamped(x[0], 0, INFINITY), clamped(x[0], 0, 6)});
      });
}

BOOST_AUTO_TEST_CASE(what_changes_nothing_hands_on) {
  Identity identity;
  QuantStub stub;
  DeQuantStub destub;
  check_gradients(
      "identity", [&](Inputs x) { return destub(stub(identity(x[0]))); }, {uniform({2, 9}, 3.0f)},
      [](auto x) { return x[0]; });
}

BOOST_AUTO_TEST_CASE(flattened_images_and_rows) {
  check_gradients(
      "flatten", [](Inputs x) { return flatten(x[0]); }, {uniform({2, 2, 3, 5}, 3.0f)},
      [](auto x) {
        Values y;
        for (size_t n = 0; n < 2; ++n)
          for (size_t c = 0; c < 5; ++c)
            for (size_t p = 0; p < 6; ++p) y.push_back(x[0][(n * 6 + p) * 5 + c]);
        return y;
      });
  check_gradients(
      "flatten", [](Inputs x) { return flatten(x[0]); }, {uniform({2, 2, 3}, 3.0f)},
      [](auto x) { return x[0]; });
}

BOOST_AUTO_TEST_CASE(dropout_passes_what_it_kept) {
  Dropout dropout(0.25f);
  manual_seed(5);
  const Tensor ones = dropout(Tensor::full({3, 40}, 1.0f));
  check_gradients(
      "dropout",
      [&](Inputs x) {
        manual_seed(5);
        return dropout(x[0]);
      },
      {uniform({3, 40}, 3.0f)},
      [&](auto x) {
        for (size_t i = 0; i < x[0].size(); ++i)
          x[0][i] *= ones.data<float>()[i] == 0.0f ? 0.0 : 1 / 0.75;
        return x[0];
      });
  dropout.eval();
  check_gradients(
      "dropout", [&](Inputs x) { return dropout(x[0]); }, {uniform({9}, 3.0f)},
      [](auto x) { return x[0]; });
}

BOOST_AUTO_TEST_CASE(maxima) {
  using kernels::PoolGeometry;
  check_gradients(
      "max_pool2d",
      [](Inputs x) { return max_pool2d(x[0], {.kernel_size = 3, .stride = 2, .padding = 1}); },
      {uniform({2, 5, 6, 3}, 3.0f)},
      [](auto x) {
        const PoolGeometry pool{.geometry = {2, 5, 6, 3, 3, 3, 3, 3, 3, 2, 2, 1, 1}};
        return pooled(pool, x[0], -INFINITY, larger, first);
      });
  check_gradients(
      "max_pool2d, dilation",
      [](Inputs x) {
        return max_pool2d(x[0], {.kernel_size = {2, 3}, .stride = 1, .dilation = {2, 1}});
      },
      {uniform({2, 5, 6, 3}, 3.0f)},
      [](auto x) {
        const PoolGeometry pool{.geometry = {2, 5, 6, 3, 3, 4, 3, 2, 3, 1, 1, 0, 0, 2, 1}};
        return pooled(pool, x[0], -INFINITY, larger, first);
      });
}

BOOST_AUTO_TEST_CASE(the_first_of_equal_maxima_gets_the_gradient) {
  const Tensor x = Tensor::from({1, 2, 2, 2}, {1, 5, 3, 5, 3, 4, 3, 5});
  const Tensor dy = Tensor::from({1, 1, 1, 2}, {7, 9});
  const auto pool = [](const Tensor& t) { return max_pool2d(t, {.kernel_size = 2}); };
  BOOST_TEST(
      equal_bits(gradient(pool, x, dy), Tensor::from({1, 2, 2, 2}, {0, 9, 7, 0, 0, 0, 0, 0})));
}

BOOST_AUTO_TEST_CASE(averages) {
  for (bool count : {true, false}) {
    check_gradients(
        "avg_pool2d",
        [&](Inputs x) {
          return avg_pool2d(x[0], {3, 2, 1, count});
        },
        {uniform({2, 5, 6, 3}, 3.0f)},
        [&](auto x) {
          const kernels::PoolGeometry pool{.geometry = {2, 5, 6, 3, 3, 3, 3, 3, 3, 2, 2, 1, 1},
                                           .count_include_pad = count};
          return pooled(pool, x[0], 0, sum, quotient);
        });
  }
  for (Size2 out : {Size2(1), Size2(3, 2), Size2(7, 1)}) {
    check_gradients(
        "adaptive_avg_pool2d", [&](Inputs x) { return adaptive_avg_pool2d(x[0], out); },
        {uniform({2, 5, 6, 3}, 3.0f)},
        [&](auto x) {
          const size_t h = static_cast<size_t>(out.h), w = static_cast<size_t>(out.w);
          const kernels::PoolGeometry pool{.geometry = {2, 5, 6, 3, h, w, 3}, .adaptive = true};
          return pooled(pool, x[0], 0, sum, quotient);
        });
  }
}

}  // namespace octet::nn
