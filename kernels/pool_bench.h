// What the benchmarks of pooling share: layers of ResNet (3x3, stride 2), VGG (2x2) and the global
// averages, on every target; bytes read and written per second.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/conv2d_geometry.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {

struct PoolShape {
  const char* name;
  size_t h, c, out, kernel, stride, pad;
  bool average;
};
inline constexpr PoolShape kPoolShapes[] = {{"max/112/64/3x3s2", 112, 64, 56, 3, 2, 1, false},
                                            {"max/112/64/2x2s2", 112, 64, 56, 2, 2, 0, false},
                                            {"max/56/16/3x3s2", 56, 16, 28, 3, 2, 1, false},
                                            {"avg/7/1280/global", 7, 1280, 1, 7, 1, 0, true},
                                            {"avg/7/512/global", 7, 512, 1, 7, 1, 0, true},
                                            {"avg/28/192/3x3s1", 28, 192, 28, 3, 1, 1, true}};

// Kernel: Element, Params, kMax, kAvg, kWork, fill(x, params, rng) and reference(average, params,
// x, y).
template <class Kernel>
void measure_pool(benchmark::State& state, const Target& target, const PoolShape& s) {
  set_target(target);
  typename Kernel::Params params;
  Conv2dGeometry& g = params.pool.geometry;
  g.in_h = g.in_w = s.h, g.in_c = g.out_c = s.c, g.out_h = g.out_w = s.out;
  g.kernel_h = g.kernel_w = s.kernel, g.stride_h = g.stride_w = s.stride;
  g.pad_top = g.pad_left = s.pad;
  using T = typename Kernel::Element;
  std::vector<T> x(s.h * s.h * s.c), y(s.out * s.out * s.c), want(y.size());
  Rng rng(1);
  Kernel::fill(x, params, rng);
  const Work work = Kernel::kWork(params);
  std::vector<std::byte> workspace(work.workspace_bytes);
  const auto run = s.average ? Kernel::kAvg : Kernel::kMax;
  for (auto _ : state) {
    run(params, x.data(), y.data(), workspace.data(), 0, work.tasks);
    benchmark::ClobberMemory();
  }
  Kernel::reference(s.average, params, x.data(), want.data());
  if (y != want) state.SkipWithError("wrong result");
  const double bytes = static_cast<double>((x.size() + y.size()) * sizeof(T));
  state.counters["GB/s"] =
      benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

template <class Kernel>
bool register_pools(const std::string& kernel) {
  for (const Target& target : supported_targets())
    for (const PoolShape& s : kPoolShapes) {
      const std::string name = kernel + "/" + target.name + "/" + s.name;
      benchmark::RegisterBenchmark(name.c_str(), measure_pool<Kernel>, target, s)
          ->Unit(benchmark::kMicrosecond);
    }
  return true;
}

}  // namespace octet::kernels
