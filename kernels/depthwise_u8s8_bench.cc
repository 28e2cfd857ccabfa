// The depthwise layers of MobileNet v2 (3x3, padding 1), and larger kernels.
//
//   --benchmark_filter='AVX2/' runs one target; the first argument group is h, c, kernel, stride.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/conv_bench.h"
#include "kernels/depthwise_u8s8.h"
#include "kernels/depthwise_u8s8_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

void layer(benchmark::State& state, const Target& target, const ConvShape& shape) {
  set_target(target);
  const Conv2dGeometry g = shape.geometry();
  Rng rng(1);
  std::vector<int8_t> weight(g.in_c * g.taps());
  std::vector<int32_t> bias(g.in_c);
  std::vector<float> multiplier(g.in_c, 1.0f / (64 * 40 * 3));
  testing::fill_integers(weight, rng, -127, 127);
  testing::fill_integers(bias, rng, -2000, 2000);
  const depthwise_u8s8::Params params{g,  weight.data(), bias.data(), multiplier.data(),
                                      37, {128, 0, 255}};
  AlignedBuffer x(g.in_h * g.in_w * g.in_c), y(g.out_h * g.out_w * g.in_c);
  for (size_t i = 0; i < x.size(); ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
  AlignedBuffer packed(depthwise_u8s8::packed_bytes(params));
  depthwise_u8s8::pack(params, packed.data());
  const Work work = depthwise_u8s8::work(params);
  AlignedBuffer workspace(work.workspace_bytes);
  for (auto _ : state) {
    depthwise_u8s8::run(params, packed.data(), x.as<uint8_t>(), y.as<uint8_t>(), workspace.data(),
                        0, work.tasks);
    benchmark::ClobberMemory();
  }
  std::vector<uint8_t> want(y.size());
  ref::depthwise_u8s8::run(params, x.as<uint8_t>(), want.data());
  if (std::memcmp(want.data(), y.data(), y.size()) != 0) state.SkipWithError("wrong result");
  using benchmark::Counter;
  const double macs = static_cast<double>(g.macs());
  const double bytes = static_cast<double>(x.size() + y.size());
  state.counters["GMAC/s"] = Counter(macs * 1e-9, Counter::kIsIterationInvariantRate);
  state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const ConvShape& s : kDepthwiseShapes) {
      const std::string name = std::string(target.name) + "/" + std::to_string(s.in_hw) + "/" +
                               std::to_string(s.in_c) + "/" + std::to_string(s.kernel) + "/" +
                               std::to_string(s.stride);
      benchmark::RegisterBenchmark(name.c_str(), layer, target, s)->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
