// The layers of a training step that the benchmarks of conv_f32_dx and conv_f32_dw go through, and
// the runner: batch 64, images of 32x32. What is measured: conv_bench.h.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/peak.h"
#include "kernels/conv_bench.h"

namespace octet::kernels {

inline constexpr ConvShape kTrainingShapes[] = {
    // ResNet-20
    {32, 3, 16, 3, 1},
    {32, 16, 16, 3, 1},
    {32, 16, 32, 3, 2},
    {32, 16, 32, 1, 2},
    {16, 32, 32, 3, 1},
    {16, 32, 64, 3, 2},
    {8, 64, 64, 3, 1},
    {1, 64, 10, 1, 1},
    // MobileNet v2
    {32, 3, 32, 3, 2},
    {16, 32, 16, 1, 1},
    {16, 16, 96, 1, 1},
    {8, 96, 24, 1, 1},
    {8, 24, 144, 1, 1},
    {8, 144, 24, 1, 1},
    {4, 144, 32, 1, 1},
    {4, 32, 192, 1, 1},
    {4, 192, 32, 1, 1},
    {2, 192, 64, 1, 1},
    {2, 64, 384, 1, 1},
    {2, 384, 64, 1, 1},
    {2, 384, 96, 1, 1},
    {2, 96, 576, 1, 1},
    {2, 576, 96, 1, 1},
    {1, 576, 160, 1, 1},
    {1, 160, 960, 1, 1},
    {1, 960, 160, 1, 1},
    {1, 960, 320, 1, 1},
    {1, 320, 1280, 1, 1},
    // ResNet-18
    {56, 64, 64, 3, 1},
};

// Layer: constructed from a geometry; run(), right() by samples.
template <class Layer>
void measure_gradient(benchmark::State& state, Conv2dGeometry g) {
  Layer layer(g);
  layer.run();
  if (!layer.right()) {
    state.SkipWithError("differs from the reference");
    return;
  }
  double best = 1e9, peak = 0;
  for (auto _ : state) {
    peak = std::max(peak, bench::peak_gmacs_f32());
    best = std::min(best, bench::best_seconds([&] { layer.run(); }, 40));
    state.SetIterationTime(best);
  }
  const double gmacs = static_cast<double>(g.macs()) / best * 1e-9;
  state.counters["GMAC/s"] = gmacs;
  state.counters["peak"] = gmacs / peak;
  state.counters["us"] = best * 1e6;
  state.counters["tasks"] = static_cast<double>(layer.tasks());
}

template <class Layer>
bool register_gradients(const char* kind = "") {
  for (const ConvShape& s : kTrainingShapes) {
    Conv2dGeometry g = s.geometry();
    g.batch = 64;
    char name[80];
    std::snprintf(name, sizeof(name), "%s%zux%zu %zu->%zu %zux%zu/%zu", kind, s.in_hw, s.in_hw,
                  s.in_c, s.out_c, s.kernel, s.kernel, s.stride);
    benchmark::RegisterBenchmark(name, measure_gradient<Layer>, g)->UseManualTime()->Iterations(3);
  }
  return true;
}

}  // namespace octet::kernels
