// A residual sum of ResNet-20 at batch 64 in quantization-aware training; bytes read and written.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/add_u8_grad.h"
#include "kernels/add_u8_grad_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

constexpr size_t kSize = 64 * 32 * 32 * 16;

void backward(benchmark::State& state, const Target& target) {
  set_target(target);
  Rng rng(1);
  std::vector<uint8_t> a(kSize), b(kSize);
  testing::fill_integers(a, rng, 0, 255);
  testing::fill_integers(b, rng, 0, 255);
  const std::vector<float> dy(kSize, 1.0f);
  std::vector<float> dx(kSize);
  const add_u8_grad::Params params{
      .a = {0.02f, 10, 0, 255}, .b = {0.03f, 128, 0, 255}, .y = {0.02f, 0, 0, 255}, .lo = 0.0f};
  for (auto _ : state) {
    add_u8_grad::backward(params, a.data(), b.data(), dy.data(), dx.data(), kSize);
    benchmark::ClobberMemory();
  }
  for (size_t i = 0; i < kSize; ++i)
    if (dx[i] != (ref::add_u8_grad::passes(params, a[i], b[i]) ? 1.0f : 0.0f))
      state.SkipWithError("wrong result");
  state.counters["GB/s"] =
      benchmark::Counter(10e-9 * kSize, benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    benchmark::RegisterBenchmark((std::string(target.name) + "/backward").c_str(), backward, target)
        ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
}  // namespace octet::kernels
