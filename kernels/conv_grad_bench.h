// The runner of the benchmarks of conv_f32_dx and conv_f32_dw: kTrainingShapes of conv_bench.h,
// where it is also said what is measured.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/peak.h"
#include "kernels/conv_bench.h"

namespace octet::kernels {

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
    g.batch = kTrainingBatch;
    char name[80];
    std::snprintf(name, sizeof(name), "%s%zux%zu %zu->%zu %zux%zu/%zu", kind, s.in_hw, s.in_hw,
                  s.in_c, s.out_c, s.kernel, s.kernel, s.stride);
    benchmark::RegisterBenchmark(name, measure_gradient<Layer>, g)->UseManualTime()->Iterations(3);
  }
  return true;
}

}  // namespace octet::kernels
