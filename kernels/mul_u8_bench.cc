// Gates of MobileNet v3's squeeze-and-excite layers, and products of one shape; bytes read and
// written per second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/kernel_testing.h"
#include "kernels/mul_u8.h"
#include "kernels/mul_u8_ref.h"

namespace octet::kernels {
namespace {

// By a gate of so many channels.
void gate(benchmark::State& state, const Target& target, size_t pixels, size_t channels) {
  set_target(target);
  const mul_u8::Params params{100, 0, 0.005f, {120, 0, 255}};
  Rng rng(1);
  const size_t n = pixels * channels;
  std::vector<uint8_t> a(n), b(channels), y(n), want(n);
  for (uint8_t& v : a) v = static_cast<uint8_t>(rng.next());
  for (uint8_t& v : b) v = static_cast<uint8_t>(rng.next());
  for (auto _ : state) {
    mul_u8::gate(params, a.data(), b.data(), y.data(), pixels, channels);
    benchmark::ClobberMemory();
  }
  ref::mul_u8::gate(params, a.data(), b.data(), want.data(), pixels, channels);
  if (y != want) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(2e-9 * static_cast<double>(n),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  const std::pair<size_t, size_t> shapes[] = {
      {56 * 56, 16}, {28 * 28, 72}, {14 * 14, 480}, {7 * 7, 960}, {1, 47040}};
  for (const Target& target : supported_targets())
    for (const auto& [pixels, channels] : shapes) {
      const std::string name =
          std::string(target.name) + "/" + std::to_string(pixels) + "x" + std::to_string(channels);
      benchmark::RegisterBenchmark(name.c_str(), gate, target, pixels, channels)
          ->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
