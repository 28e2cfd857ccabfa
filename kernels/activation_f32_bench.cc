// Activations and their gradients; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/activation_f32.h"
#include "kernels/activation_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

namespace spec = ref::activation_f32;

bool within(float got, spec::Bounded want) { return std::abs(got - want.value) <= want.bound; }

void report(benchmark::State& state, size_t bytes, bool right) {
  if (!right) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(bytes),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

struct Curve {
  const char* name;
  void (*run)(const float*, float*, size_t) noexcept;
  spec::Bounded (*reference)(double);
};

void run_curve(benchmark::State& state, const Target& target, Curve curve, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(n), y(n);
  testing::fill_floats(x, rng, -5.0f, 5.0f);
  for (auto _ : state) {
    curve.run(x.data(), y.data(), n);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i) right &= within(y[i], curve.reference(x[i]));
  report(state, 2 * 4 * n, right);
}

struct Gradient {
  const char* name;
  void (*run)(const float*, const float*, float*, size_t) noexcept;
  spec::Bounded (*reference)(double, double);
};

void run_gradient(benchmark::State& state, const Target& target, Gradient gradient, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> kept(n), dy(n), dx(n);
  testing::fill_floats(kept, rng);
  testing::fill_floats(dy, rng);
  for (auto _ : state) {
    gradient.run(kept.data(), dy.data(), dx.data(), n);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i) right &= within(dx[i], gradient.reference(kept[i], dy[i]));
  report(state, 3 * 4 * n, right);
}

void run_exp_sum(benchmark::State& state, const Target& target, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(n), y(n);
  testing::fill_floats(x, rng);
  activation_f32::ExpSum sum{};
  for (auto _ : state) {
    sum = activation_f32::exp_sum(x.data(), y.data(), n);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i) right &= within(y[i], spec::exp_below(x[i], sum.max));
  report(state, 2 * 4 * n, right);
}

const bool registered = [] {
  const Curve curves[] = {
      {"sigmoid", activation_f32::sigmoid, spec::sigmoid},
      {"tanh", activation_f32::tanh, spec::tanh},
      {"gelu", activation_f32::gelu, spec::gelu},
      {"silu", activation_f32::silu, spec::silu},
      {"hardswish", activation_f32::hardswish, spec::hardswish},
      {"elu",
       [](const float* x, float* y, size_t n) noexcept { activation_f32::elu(x, y, n, 1.0f); },
       [](double x) { return spec::elu(x, 1.0); }}};
  const Gradient gradients[] = {
      {"sigmoid_gradient", activation_f32::sigmoid_gradient, spec::sigmoid_gradient},
      {"gelu_gradient", activation_f32::gelu_gradient, spec::gelu_gradient},
      {"hardswish_gradient", activation_f32::hardswish_gradient, spec::hardswish_gradient}};
  constexpr size_t kSize = 14 * 14 * 64;
  for (const Target& target : supported_targets()) {
    const std::string prefix = "activation_f32/" + std::string(target.name) + "/";
    for (const Curve& curve : curves)
      benchmark::RegisterBenchmark((prefix + curve.name).c_str(), run_curve, target, curve, kSize);
    for (const Gradient& gradient : gradients)
      benchmark::RegisterBenchmark((prefix + gradient.name).c_str(), run_gradient, target, gradient,
                                   kSize);
    benchmark::RegisterBenchmark((prefix + "exp_sum").c_str(), run_exp_sum, target, kSize);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
