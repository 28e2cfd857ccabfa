// What the tests of layers share.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "engine/model.h"
#include "nn/module.h"
#include "nn/random.h"

namespace octet::nn::testing {

// The message of the octet::Error that action() throws; empty when it throws none.
template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Element [n, h, w, c].
inline float at(const Tensor& t, int64_t n, int64_t h, int64_t w, int64_t c) {
  return t.data<float>()[((n * t.dim(1) + h) * t.dim(2) + w) * t.dim(3) + c];
}

// A module of one function; its children are registered with add().
template <class Forward>
class Lambda : public Module {
 public:
  explicit Lambda(Forward forward) : forward_(std::move(forward)) {}
  void add(std::string name, Module& module) { register_module(std::move(name), module); }
  Tensor forward(const Tensor& x) override { return forward_(x); }

 private:
  Forward forward_;
};

// A sum of products in f32 (kernels/conv_f32.h) against the same sum in double.
struct Sum {
  double value = 0;
  double magnitude = 0;  // sum of |terms|
  int terms = 0;

  void add(double term) {
    value += term;
    magnitude += std::abs(term);
    ++terms;
  }
  double bound() const {
    return (terms + 1) * 0x1p-24 * magnitude + 0x1p-24 * std::abs(value) + 0x1p-120;
  }
};

inline bool within(float got, const Sum& sum) { return std::abs(got - sum.value) <= sum.bound(); }

// What the engine computes for a program with one output.
inline Tensor run_engine(engine::Program program, std::span<const Tensor> inputs) {
  auto model = engine::Model::create(std::move(program));
  BOOST_REQUIRE_MESSAGE(model, model.why());
  auto session = engine::Session::create(*model, {.batch = static_cast<size_t>(inputs[0].dim(0))});
  BOOST_REQUIRE_MESSAGE(session, session.why());
  for (size_t i = 0; i < inputs.size(); ++i)
    std::memcpy((*session)->input(i), inputs[i].raw(), inputs[i].bytes());
  (*session)->run();
  Tensor y = Tensor::zeros((*session)->shape((*model)->program().outputs[0]));
  std::memcpy(y.raw(), (*session)->output(0), y.bytes());
  return y;
}

inline Tensor run_engine(engine::Program program, const Tensor& x) {
  return run_engine(std::move(program), {&x, 1});
}

inline bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

}  // namespace octet::nn::testing
