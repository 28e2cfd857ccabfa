// Pooling layers of ResNet (3x3, stride 2), VGG (2x2) and the global averages; bytes read and
// written per second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/pool_f32.h"
#include "kernels/pool_f32_ref.h"

namespace octet::kernels {
namespace {

struct Shape {
  const char* name;
  size_t h, c, out, kernel, stride, pad;
  bool average;
};
constexpr Shape kShapes[] = {{"max/112/64/3x3s2", 112, 64, 56, 3, 2, 1, false},
                             {"max/112/64/2x2s2", 112, 64, 56, 2, 2, 0, false},
                             {"max/56/16/3x3s2", 56, 16, 28, 3, 2, 1, false},
                             {"avg/7/1280/global", 7, 1280, 1, 7, 1, 0, true},
                             {"avg/7/512/global", 7, 512, 1, 7, 1, 0, true},
                             {"avg/28/192/3x3s1", 28, 192, 28, 3, 1, 1, true}};

void layer(benchmark::State& state, const Target& target, const Shape& s) {
  set_target(target);
  pool_f32::Params params;
  Conv2dGeometry& g = params.pool.geometry;
  g.in_h = g.in_w = s.h, g.in_c = g.out_c = s.c, g.out_h = g.out_w = s.out;
  g.kernel_h = g.kernel_w = s.kernel, g.stride_h = g.stride_w = s.stride;
  g.pad_top = g.pad_left = s.pad;
  Rng rng(1);
  std::vector<float> x(s.h * s.h * s.c), y(s.out * s.out * s.c), want(y.size());
  testing::fill_floats(x, rng);
  const Work work = pool_f32::work(params);
  std::vector<std::byte> workspace(work.workspace_bytes);
  const auto run = s.average ? pool_f32::avg : pool_f32::max;
  for (auto _ : state) {
    run(params, x.data(), y.data(), workspace.data(), 0, work.tasks);
    benchmark::ClobberMemory();
  }
  const auto specification = s.average ? ref::pool_f32::avg : ref::pool_f32::max;
  specification(params, x.data(), want.data());
  if (y != want) state.SkipWithError("wrong result");
  const double bytes = static_cast<double>((x.size() + y.size()) * sizeof(float));
  state.counters["GB/s"] =
      benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const Shape& s : kShapes) {
      const std::string name = std::string(target.name) + "/" + s.name;
      benchmark::RegisterBenchmark(name.c_str(), layer, target, s)->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
