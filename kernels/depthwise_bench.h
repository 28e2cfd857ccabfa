// The depthwise layers of a training step, for the benchmarks of depthwise_f32 and its gradients:
// MobileNet v2 with batch 64 on small images. What is measured: conv_bench.h; and
//   GB/s   input and gradient once each
//   reads  how many times longer than reading them once takes
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/buffer.h"
#include "bench/peak.h"
#include "kernels/conv_bench.h"

namespace octet::kernels {

inline constexpr ConvShape kDepthwiseTrainingShapes[] = {
    // 32x32
    depthwise(16, 32, 3, 1),
    depthwise(16, 96, 3, 2),
    depthwise(8, 144, 3, 1),
    depthwise(8, 144, 3, 2),
    depthwise(4, 192, 3, 1),
    depthwise(4, 192, 3, 2),
    depthwise(2, 384, 3, 1),
    depthwise(2, 576, 3, 1),
    depthwise(2, 576, 3, 2),
    depthwise(1, 960, 3, 1),
    // 28x28, a stem of stride 1
    depthwise(28, 32, 3, 1),
    depthwise(28, 96, 3, 2),
    depthwise(14, 144, 3, 1),
    depthwise(14, 144, 3, 2),
    depthwise(7, 192, 3, 1),
    depthwise(7, 192, 3, 2),
    // Larger kernels
    depthwise(14, 144, 5, 1),
    depthwise(14, 144, 5, 2),
};

// Reads a whole buffer: the least that a kernel has to do with it.
inline void read_once(const AlignedBuffer& buffer) {
  typedef uint64_t Vector __attribute__((vector_size(16)));
  const Vector* words = buffer.as<Vector>();
  Vector a{}, b{}, c{}, d{};
  for (size_t i = 0; i + 4 <= buffer.size() / sizeof(Vector); i += 4) {
    a |= words[i];
    b |= words[i + 1];
    c |= words[i + 2];
    d |= words[i + 3];
  }
  benchmark::DoNotOptimize((a | b | c | d)[0]);
}

// Layer: constructed from a geometry; params, x, y (what corresponds to input and output), run()
// and right(), which looks at samples.
template <class Layer>
void measure_depthwise(benchmark::State& state, Conv2dGeometry g) {
  Layer layer(g);
  layer.run();
  if (!layer.right()) {
    state.SkipWithError("differs from the reference");
    return;
  }
  double best = 1e9, read = 1e9, peak = 0;
  for (auto _ : state) {
    peak = std::max(peak, bench::peak_gmacs_f32());
    best = std::min(best, bench::best_seconds([&] { layer.run(); }, 30));
    read = std::min(read, bench::best_seconds(
                              [&] {
                                read_once(layer.x);
                                read_once(layer.y);
                              },
                              20));
    state.SetIterationTime(best);
  }
  const double gmacs = static_cast<double>(g.macs()) / best * 1e-9;
  state.counters["GMAC/s"] = gmacs;
  state.counters["peak"] = gmacs / peak;
  state.counters["GB/s"] = static_cast<double>(layer.x.size() + layer.y.size()) / best * 1e-9;
  state.counters["reads"] = best / read;
  state.counters["us"] = best * 1e6;
}

template <class Layer>
bool register_depthwise_training(const char* kind = "") {
  for (const ConvShape& s : kDepthwiseTrainingShapes) {
    char name[80];
    std::snprintf(name, sizeof(name), "%s64x%zux%zu c%zu %zux%zu/%zu", kind, s.in_hw, s.in_hw,
                  s.in_c, s.kernel, s.kernel, s.stride);
    Conv2dGeometry g = s.geometry();
    g.batch = 64;
    benchmark::RegisterBenchmark(name, measure_depthwise<Layer>, g)->UseManualTime()->Iterations(3);
  }
  return true;
}

}  // namespace octet::kernels
