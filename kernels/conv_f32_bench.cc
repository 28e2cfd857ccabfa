// The dense layers of MobileNet v2, the 3x3 and 7x7 ones of ResNet, one thread. Each checks samples
// of its result against the reference first. Run pinned: taskset -c 1 conv_f32_bench
//   GMAC/s  best of many samples of thread CPU time, for other programs have the machine, too
//   peak    the share of a register-only loop measured beside it
//   us      of one call
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"
#include "bench/peak.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_ref.h"

namespace octet::kernels {
namespace {

struct Bench {
  conv_f32::Params params;
  std::vector<float> weight, bias;
  AlignedBuffer x, y, packed, workspace;
  Work work;

  explicit Bench(const Conv2dGeometry& g)
      : weight(g.out_c * g.taps()),
        bias(g.out_c),
        x(g.batch * g.in_h * g.in_w * g.in_c * sizeof(float)),
        y(g.batch * g.out_h * g.out_w * g.out_c * sizeof(float)) {
    Rng rng(1);
    for (float& w : weight) w = rng.uniform(-1.0f, 1.0f);
    for (float& b : bias) b = rng.uniform(-1.0f, 1.0f);
    for (size_t i = 0; i < x.size() / sizeof(float); ++i)
      x.as<float>()[i] = rng.uniform(-1.0f, 1.0f);
    params = {.geometry = g, .weight = weight.data(), .bias = bias.data(), .lo = 0, .hi = 6};
    packed = AlignedBuffer(conv_f32::packed_bytes(params));
    conv_f32::pack(params, packed.data());
    work = conv_f32::work(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }

  void run() {
    conv_f32::run(params, packed.data(), x.as<float>(), y.as<float>(), workspace.data(), 0,
                  work.tasks);
  }

  bool sampled_right() {
    const Conv2dGeometry& g = params.geometry;
    Rng rng(2);
    for (int i = 0; i < 2000; ++i) {
      const size_t oy = rng.below(g.out_h), ox = rng.below(g.out_w), o = rng.below(g.out_c);
      const auto want = ref::conv_f32(params, x.as<float>(), 0, oy, ox, o);
      const float got = y.as<float>()[(oy * g.out_w + ox) * g.out_c + o];
      if (!(std::abs(got - want.y) <= want.bound)) return false;
    }
    return true;
  }
};

void measure(benchmark::State& state, Conv2dGeometry g) {
  Bench bench(g);
  bench.run();
  if (!bench.sampled_right()) {
    state.SkipWithError("differs from the reference");
    return;
  }
  double best = 1e9, peak = 0;
  for (auto _ : state) {
    peak = std::max(peak, bench::peak_gmacs_f32());
    best = std::min(best, bench::best_seconds([&] { bench.run(); }, 60));
    state.SetIterationTime(best);
  }
  const double gmacs = static_cast<double>(g.macs()) / best * 1e-9;
  state.counters["GMAC/s"] = gmacs;
  state.counters["peak"] = gmacs / peak;
  state.counters["us"] = best * 1e6;
}

struct Shape {
  size_t in_hw, in_c, out_c, kernel, stride;
};

constexpr Shape kShapes[] = {
    // MobileNet v2: stem, pointwise
    {224, 3, 32, 3, 2},
    {112, 32, 16, 1, 1},
    {112, 16, 96, 1, 1},
    {56, 96, 24, 1, 1},
    {56, 24, 144, 1, 1},
    {56, 144, 24, 1, 1},
    {28, 144, 32, 1, 1},
    {28, 32, 192, 1, 1},
    {28, 192, 32, 1, 1},
    {14, 192, 64, 1, 1},
    {14, 64, 384, 1, 1},
    {14, 384, 64, 1, 1},
    {14, 384, 96, 1, 1},
    {14, 96, 576, 1, 1},
    {14, 576, 96, 1, 1},
    {7, 576, 160, 1, 1},
    {7, 160, 960, 1, 1},
    {7, 960, 160, 1, 1},
    {7, 960, 320, 1, 1},
    {7, 320, 1280, 1, 1},
    {1, 1280, 1000, 1, 1},
    // ResNet: stem, 3x3
    {224, 3, 64, 7, 2},
    {56, 64, 64, 3, 1},
    {28, 128, 128, 3, 1},
    {14, 256, 256, 3, 1},
    {7, 512, 512, 3, 1},
    {56, 64, 128, 3, 2},
    {28, 128, 256, 3, 2},
    {14, 256, 512, 3, 2},
};

const int kRegistered = [] {
  for (const Shape& s : kShapes) {
    const size_t pad = s.kernel / 2;
    const size_t out_hw = (s.in_hw + 2 * pad - s.kernel) / s.stride + 1;
    const Conv2dGeometry g{.in_h = s.in_hw,
                           .in_w = s.in_hw,
                           .in_c = s.in_c,
                           .out_h = out_hw,
                           .out_w = out_hw,
                           .out_c = s.out_c,
                           .kernel_h = s.kernel,
                           .kernel_w = s.kernel,
                           .stride_h = s.stride,
                           .stride_w = s.stride,
                           .pad_top = pad,
                           .pad_left = pad};
    char name[80];
    std::snprintf(name, sizeof(name), "%zux%zu %zu->%zu %zux%zu/%zu", s.in_hw, s.in_hw, s.in_c,
                  s.out_c, s.kernel, s.kernel, s.stride);
    benchmark::RegisterBenchmark(name, measure, g)->UseManualTime()->Iterations(4);
  }
  return 0;
}();

}  // namespace
}  // namespace octet::kernels
