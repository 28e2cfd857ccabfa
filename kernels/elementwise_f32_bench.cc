// Sum, clamp and its gradient of the sizes found in MobileNet v2; bytes read and written per
// second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/elementwise_f32.h"
#include "kernels/elementwise_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

void report(benchmark::State& state, size_t bytes, bool right) {
  if (!right) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(bytes),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

void add(benchmark::State& state, const Target& target, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> a(n), b(n), y(n);
  testing::fill_floats(a, rng);
  testing::fill_floats(b, rng);
  for (auto _ : state) {
    elementwise_f32::add(a.data(), b.data(), y.data(), n, 0.0f, 1.5f);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i) right &= y[i] == ref::elementwise_f32::add(a[i], b[i], 0.0f, 1.5f);
  report(state, 3 * 4 * n, right);
}

void clamp(benchmark::State& state, const Target& target, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(n), y(n);
  testing::fill_floats(x, rng);
  for (auto _ : state) {
    elementwise_f32::clamp(x.data(), y.data(), n, 0.0f, 0.5f);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i) right &= y[i] == ref::elementwise_f32::clamp(x[i], 0.0f, 0.5f);
  report(state, 2 * 4 * n, right);
}

void clamp_backward(benchmark::State& state, const Target& target, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> dy(n), x(n), dx(n);
  testing::fill_floats(dy, rng);
  testing::fill_floats(x, rng);
  for (auto _ : state) {
    elementwise_f32::clamp_backward(dy.data(), x.data(), dx.data(), n, 0.0f, 0.5f);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < n; ++i)
    right &= dx[i] == ref::elementwise_f32::clamp_backward(dy[i], x[i], 0.0f, 0.5f);
  report(state, 3 * 4 * n, right);
}

const bool registered = [] {
  const struct {
    const char* name;
    void (*run)(benchmark::State&, const Target&, size_t);
  } kinds[] = {{"add", add}, {"clamp", clamp}, {"clamp_backward", clamp_backward}};
  for (const Target& target : supported_targets())
    for (const auto& kind : kinds)
      for (const size_t n : {14 * 14 * 64, 56 * 56 * 24}) {
        std::string name = std::string("elementwise_f32/") + target.name;
        name.append("/").append(kind.name).append("/").append(std::to_string(n));
        benchmark::RegisterBenchmark(name.c_str(), kind.run, target, n)
            ->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
