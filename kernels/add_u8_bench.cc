// Sums of the sizes found in MobileNet v2 and ResNet-50; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/add_u8.h"
#include "kernels/add_u8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

void sum(benchmark::State& state, const Target& target, size_t n) {
  set_target(target);
  add_u8::Params params;
  params.a_zero_point = 100, params.b_zero_point = 130, params.range = {120, 0, 255};
  add_u8::set_scales(params, 0.02f, 0.03f, 0.04f);
  Rng rng(1);
  AlignedBuffer a(n), b(n), y(n);
  for (size_t i = 0; i < n; ++i) a.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
  for (size_t i = 0; i < n; ++i) b.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
  for (auto _ : state) {
    add_u8::run(params, a.as<uint8_t>(), b.as<uint8_t>(), y.as<uint8_t>(), n);
    benchmark::ClobberMemory();
  }
  std::vector<uint8_t> want(n);
  ref::add_u8::run(params, a.as<uint8_t>(), b.as<uint8_t>(), want.data(), n);
  if (std::memcmp(want.data(), y.data(), n) != 0) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(3e-9 * static_cast<double>(n),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const size_t n : {14 * 14 * 64, 56 * 56 * 24, 56 * 56 * 256}) {
      const std::string name = "add_u8/" + std::string(target.name) + "/" + std::to_string(n);
      benchmark::RegisterBenchmark(name.c_str(), sum, target, n)->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
