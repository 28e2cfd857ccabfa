#include "nn/gradient_testing.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <sstream>

#include "base/rng.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::nn::testing {
namespace {

// loss = sum_j r_j y_j. Its gradients are new arrays, or r itself: one that is not exclusive.
class WeightedSum : public TapeOp {
 public:
  WeightedSum(std::vector<Tensor> r, bool hands_out_r) : r_(std::move(r)), shared_(hands_out_r) {}
  const char* name() const override { return "weighted_sum"; }
  std::vector<Tensor> forward(std::span<const Tensor>) const override {
    return {Tensor::zeros({1})};  // nobody asks for the loss
  }
  std::vector<Tensor> backward(const BackwardArgs&) const override {
    std::vector<Tensor> dx;
    for (const Tensor& r : r_) dx.push_back(shared_ ? r : r.clone());
    return dx;
  }

 private:
  std::vector<Tensor> r_;
  bool shared_;
};

Values values_of(const Tensor& t) {
  Values values(static_cast<size_t>(t.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = t.dtype() == DType::s64 ? static_cast<double>(t.data<int64_t>()[i])
                                        : static_cast<double>(t.data<float>()[i]);
  return values;
}

bool equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].bytes() > 0 && std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()) != 0) return false;
  return true;
}

std::vector<Tensor> clones(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> copies;
  for (const Tensor& t : tensors) copies.push_back(t.clone());
  return copies;
}

std::vector<Tensor> random_like(const std::vector<Tensor>& results) {
  Rng rng(1);
  std::vector<Tensor> r;
  for (const Tensor& y : results) {
    r.push_back(Tensor::empty(y.shape()));
    for (float& v : r.back().values<float>())
      v = rng.uniform(0.5f, 1.0f) * (rng.below(2) != 0 ? 1.0f : -1.0f);
  }
  return r;
}

Values joined(const std::vector<Tensor>& tensors) {
  Values all;
  for (const Tensor& t : tensors) {
    const Values values = values_of(t);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// dy_j / dx_i for one input, and how far each may be from the truth.
struct Jacobian {
  std::vector<Values> d, truncation;  // [i][j]
};

constexpr double kStep = 0x1p-17;  // truncation and rounding are both near 2^-36

Values quotients(const Reference& reference, std::vector<Values>& x, size_t input, size_t i,
                 double step) {
  const double at = x[input][i];
  x[input][i] = at + step;
  Values above = reference(x);
  x[input][i] = at - step;
  const Values below = reference(x);
  x[input][i] = at;
  for (size_t j = 0; j < above.size(); ++j) above[j] = (above[j] - below[j]) / (2 * step);
  return above;
}

Jacobian jacobian(const Reference& reference, std::vector<Values> x, size_t input) {
  Jacobian result;
  for (size_t i = 0; i < x[input].size(); ++i) {
    result.d.push_back(quotients(reference, x, input, i, kStep));
    result.truncation.push_back(quotients(reference, x, input, i, 2 * kStep));
    for (size_t j = 0; j < result.d[i].size(); ++j)
      result.truncation[i][j] = std::abs(result.truncation[i][j] - result.d[i][j]);
  }
  return result;
}

// "op: words", numbers with all digits.
template <class... Words>
std::string message(const char* op, const Words&... words) {
  std::ostringstream text;
  text.precision(std::numeric_limits<float>::max_digits10);
  text << op << ": ";
  (text << ... << words);
  return text.str();
}

// Its functions return what is wrong, or nothing.
class Check {
 public:
  Check(const char* op, const Function& f, const std::vector<Tensor>& inputs,
        const Reference& reference, const GradientOptions& options)
      : op_(op), f_(f), inputs_(inputs), options_(options) {
    for (const Tensor& x : inputs) x_.push_back(values_of(x));
    reference_ = reference(x_);
    jacobians_.resize(inputs.size());
    for (size_t k = 0; k < inputs.size(); ++k)
      if (inputs[k].dtype() == DType::f32) jacobians_[k] = jacobian(reference, x_, k);
    sum_up_errors();
  }

  std::string forward() const {
    const Values y = joined(f_(inputs_));
    if (y.size() != reference_.size())
      return message(op_, y.size(), " results, ", reference_.size(), " of the reference");
    for (size_t j = 0; j < y.size(); ++j) {
      const double bound = 0x1p-24 * error_[j] + options_.smallest;
      if (!(std::abs(y[j] - reference_[j]) <= bound))
        return message(op_, "result ", j, " is ", y[j], ", expects ", reference_[j], " +- ", bound);
    }
    return "";
  }

  // only: the one input that requires a gradient; all of f32 when there are fewer inputs.
  std::string backward(size_t only, bool shared_dy) const {
    const std::vector<Tensor> inputs = clones(inputs_);
    for (size_t k = 0; k < inputs.size(); ++k) inputs[k].set_requires_grad(wanted(k, only));
    const Recording recording;
    std::vector<Tensor> results = f_(inputs);
    const std::vector<Tensor> r = random_like(results), kept = clones(r);
    const Tensor loss = apply_one(std::make_shared<WeightedSum>(r, shared_dy), std::move(results));
    octet::backward(loss);
    if (!equal(inputs, inputs_)) return message(op_, "writes to an input");
    if (!equal(r, kept)) return message(op_, "writes to a gradient that is not exclusive");
    std::string mistake;
    for (size_t k = 0; k < inputs.size() && mistake.empty(); ++k)
      if (wanted(k, only)) mistake = compare(k, inputs[k].grad(), joined(r));
    return mistake;
  }

  bool wanted(size_t input, size_t only) const {
    return inputs_[input].dtype() == DType::f32 && (only == input || only >= inputs_.size());
  }

 private:
  // error_[j]: (inputs_j + c) * condition_j.
  void sum_up_errors() {
    error_.resize(reference_.size());
    for (size_t j = 0; j < error_.size(); ++j) {
      double condition = std::abs(reference_[j]);
      int terms = options_.roundings;
      for (size_t k = 0; k < x_.size(); ++k) {
        for (size_t i = 0; i < jacobians_[k].d.size(); ++i) {
          const double d = jacobians_[k].d[i][j];
          condition += std::abs(d * x_[k][i]);
          terms += d != 0;
        }
      }
      error_[j] = terms * condition;
    }
  }

  std::string compare(size_t k, const Tensor& gradient, const Values& r) const {
    for (size_t i = 0; i < x_[k].size(); ++i) {
      double want = 0, magnitude = 0, quotient_error = 0;
      int terms = options_.roundings;
      for (size_t j = 0; j < r.size(); ++j) {
        const double term = r[j] * jacobians_[k].d[i][j];
        want += term;
        magnitude += std::abs(term);
        terms += term != 0;
        quotient_error +=
            std::abs(r[j]) * (jacobians_[k].truncation[i][j] + 0x1p-53 * error_[j] / kStep);
      }
      // Undefined: zero everywhere.
      const double got = gradient.defined() ? gradient.data<float>()[i] : 0.0;
      const double bound = terms * 0x1p-24 * magnitude + quotient_error + options_.smallest;
      if (!(std::abs(got - want) <= bound))
        return message(op_, "gradient of input ", k, " at ", i, " is ", got, ", expects ", want,
                       " +- ", bound);
    }
    return "";
  }

  const char* op_;
  const Function& f_;
  const std::vector<Tensor>& inputs_;
  GradientOptions options_;
  std::vector<Values> x_;
  Values reference_, error_;
  std::vector<Jacobian> jacobians_;
};

}  // namespace

std::string gradient_mistake(const char* op, const Function& f, const std::vector<Tensor>& inputs,
                             const Reference& reference, const GradientOptions& options) {
  const Check check(op, f, inputs, reference, options);
  std::string mistake = check.forward();
  if (mistake.empty()) mistake = check.backward(inputs.size(), false);
  if (mistake.empty()) mistake = check.backward(inputs.size(), true);
  for (size_t k = 0; k < inputs.size() && mistake.empty(); ++k)
    if (check.wanted(k, k)) mistake = check.backward(k, false);
  return mistake;
}

}  // namespace octet::nn::testing
