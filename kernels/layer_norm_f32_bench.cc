// Rows of BERT's width; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/layer_norm_f32.h"
#include "kernels/layer_norm_f32_ref.h"

namespace octet::kernels {
namespace {

void norm(benchmark::State& state, const Target& target, size_t rows, size_t n) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(rows * n), y(x.size()), want(x.size()), weight(n), bias(n);
  testing::fill_floats(x, rng);
  testing::fill_floats(weight, rng);
  testing::fill_floats(bias, rng);
  const layer_norm_f32::Params params{n, weight.data(), bias.data(), 1e-12f};
  for (auto _ : state) {
    layer_norm_f32::run(params, rows, x.data(), y.data(), nullptr);
    benchmark::ClobberMemory();
  }
  ref::layer_norm_f32::run(params, rows, x.data(), want.data());
  if (want != y) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(8e-9 * static_cast<double>(rows * n),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const size_t n : {128, 768}) {
      const std::string name = std::string(target.name) + "/128x" + std::to_string(n);
      benchmark::RegisterBenchmark(name.c_str(), norm, target, 128, n)
          ->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
