// Quantize, dequantize and clamp of one image's values; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/kernel_testing.h"
#include "kernels/quantize.h"
#include "kernels/quantize_ref.h"

namespace octet::kernels {
namespace {

constexpr size_t kSize = 224 * 224 * 3;
constexpr QParams kQParams{0.02f, 114, 0, 255};

void report(benchmark::State& state, double bytes_per_element, bool right) {
  if (!right) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(bytes_per_element * 1e-9 * kSize,
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

void quantize_image(benchmark::State& state, const Target& target) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(kSize);
  std::vector<uint8_t> q(kSize);
  testing::fill_floats(x, rng, -3.0f, 3.0f);
  for (auto _ : state) {
    quantize::quantize(x.data(), q.data(), kSize, kQParams);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < kSize; ++i) right &= q[i] == ref::quantize::quantize(x[i], kQParams);
  report(state, 5, right);
}

void dequantize_image(benchmark::State& state, const Target& target) {
  set_target(target);
  Rng rng(1);
  std::vector<float> x(kSize);
  std::vector<uint8_t> q(kSize);
  testing::fill_integers(q, rng, 0, 255);
  for (auto _ : state) {
    quantize::dequantize(q.data(), x.data(), kSize, kQParams);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < kSize; ++i) right &= x[i] == ref::quantize::dequantize(q[i], kQParams);
  report(state, 5, right);
}

void clamp_image(benchmark::State& state, const Target& target) {
  set_target(target);
  Rng rng(1);
  std::vector<uint8_t> x(kSize), y(kSize);
  testing::fill_integers(x, rng, 0, 255);
  for (auto _ : state) {
    quantize::clamp(x.data(), y.data(), kSize, 10, 200);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < kSize; ++i) right &= y[i] == ref::quantize::clamp(x[i], 10, 200);
  report(state, 2, right);
}

const bool registered = [] {
  const struct {
    const char* name;
    void (*run)(benchmark::State&, const Target&);
  } kinds[] = {
      {"quantize", quantize_image}, {"dequantize", dequantize_image}, {"clamp", clamp_image}};
  for (const Target& target : supported_targets())
    for (const auto& kind : kinds) {
      const std::string name = "quantize/" + std::string(target.name) + "/" + kind.name;
      benchmark::RegisterBenchmark(name.c_str(), kind.run, target)->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
