// Gradients of ops against finite differences in double: one check for every op.
//
//   check_gradients("mul", [](auto x) { return mul(x[0], x[1]); },
//                   {uniform({2, 3}, 1.0f), uniform({2, 3}, 1.0f)},
//                   [](const std::vector<Values>& x) { return product(x[0], x[1]); });
//
// Let loss = sum_j r_j y_j over all elements y_j of all results, r random in +-[0.5, 1), and
// J_ji = dy_j / dx_i, from central differences of the reference. Checked are
//   forward   |y_j - reference_j|              <= (inputs_j + c) * 2^-24 * condition_j
//   backward  |dloss/dx_i - sum_j r_j J_ji|    <= (outputs_i + c) * 2^-24 * sum_j |r_j J_ji|
//                                                 + error of the difference quotients
// where condition_j = |y_j| + sum_i |J_ji x_i|: what roundings of the size of those of the inputs
// do to y_j; inputs_j and outputs_i count the J_ji that are not 0, for each stands for a term of
// a sum; and c is GradientOptions::roundings. A quotient Q(h) = (y(x + h) - y(x - h)) / 2h errs by
//   truncation  h^2 / 6 |y'''| = |Q(2h) - Q(h)| / 3 to first order; all of |Q(2h) - Q(h)| is
//               allowed
//   rounding    two values of y, each in double as wrong as forward's bound with 2^-53, over 2h.
// The gradients are also asked for one input at a time, and with a dy that somebody else holds;
// no input and no such dy may be written to.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "tensor/tensor.h"

namespace octet::nn::testing {

// The elements of a tensor, or of all results one after another.
using Values = std::vector<double>;
using Reference = std::function<Values(const std::vector<Values>& inputs)>;

struct GradientOptions {
  // Roundings on the way of one term beside its additions, times what cancellation inside the op
  // multiplies them by: from the op's formula.
  int roundings = 4;
  // f32 results and gradients below this are as good as 0: where the op computes in steps that
  // underflow.
  double smallest = 0x1p-120;
};

using Inputs = std::span<const Tensor>;
using Function = std::function<std::vector<Tensor>(Inputs)>;

// What is wrong first; empty when nothing is. f: from inputs to f32 results, by ops that record.
// Gradients of all f32 inputs are checked.
std::string gradient_mistake(const char* op, const Function& f, const std::vector<Tensor>& inputs,
                             const Reference& reference, const GradientOptions& options = {});

// The same as a check of Boost.Test; f returns a Tensor or a vector of them.
template <class F>
void check_gradients(const char* op, const F& f, const std::vector<Tensor>& inputs,
                     const Reference& reference, const GradientOptions& options = {}) {
  const Function results = [&](Inputs x) -> std::vector<Tensor> {
    if constexpr (std::is_same_v<std::invoke_result_t<F, Inputs>, Tensor>) {
      return {f(x)};
    } else {
      return f(x);
    }
  };
  BOOST_TEST(gradient_mistake(op, results, inputs, reference, options) == "");
}

}  // namespace octet::nn::testing
