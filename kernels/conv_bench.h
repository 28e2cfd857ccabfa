// What the benchmarks of convolutions share: the layers and the runner. One thread; each layer
// checks samples of its result against the reference first. On every target, batches on the best
// one; names are kernel/target/layer. Run pinned: taskset -c 1 conv_f32_bench
//   GMAC/s  best of many samples of thread CPU time, for other programs have the machine, too
//   peak    the share of a register-only loop measured beside it
//   GB/s    input and output once each: what bounds the large depthwise layers
//   us      of one call
//   pack GB/s  of weights, which training packs anew in every step
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/rng.h"
#include "bench/peak.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/requantize.h"
#include "kernels/target.h"

namespace octet::kernels {

// A layer on a square image that keeps its size, up to the stride.
struct ConvShape {
  size_t in_hw, in_c, out_c, kernel, stride;
  size_t groups = 1;
  size_t width = 0;  // of the kernel, where that is not as wide as high

  size_t kernel_w() const { return width == 0 ? kernel : width; }
  Conv2dGeometry geometry() const {
    const auto out = [this](size_t k) { return (in_hw + k / 2 * 2 - k) / stride + 1; };
    return {.in_h = in_hw,
            .in_w = in_hw,
            .in_c = in_c,
            .out_h = out(kernel),
            .out_w = out(kernel_w()),
            .out_c = out_c,
            .kernel_h = kernel,
            .kernel_w = kernel_w(),
            .stride_h = stride,
            .stride_w = stride,
            .pad_top = kernel / 2,
            .pad_left = kernel_w() / 2,
            .groups = groups};
  }
};

inline constexpr ConvShape kDenseShapes[] = {
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
    // Inception v3
    {35, 48, 64, 5, 1},
    {35, 96, 96, 3, 1},
    {17, 128, 128, 1, 1, 1, 7},
    {17, 128, 192, 7, 1, 1, 1},
    {17, 192, 192, 1, 1, 1, 7},
    {17, 192, 192, 7, 1, 1, 1},
    {8, 384, 384, 1, 1, 1, 3},
    {8, 384, 384, 3, 1, 1, 1},
    // ResNet-50: pointwise, a shortcut, the classifier
    {56, 64, 256, 1, 1},
    {56, 256, 64, 1, 1},
    {28, 128, 512, 1, 1},
    {28, 512, 128, 1, 1},
    {14, 256, 1024, 1, 1},
    {14, 1024, 256, 1, 1},
    {7, 512, 2048, 1, 1},
    {7, 2048, 512, 1, 1},
    {28, 512, 1024, 1, 2},
    {1, 2048, 1000, 1, 1},
};

// Matrix products, the pixels by the input channels by the output channels: 1024^3, 256^3,
// 196x512x512, and 3136x64x64 and 12544x32x32, whose few channels leave little to hide memory behind.
inline constexpr ConvShape kProductShapes[] = {
    {32, 1024, 1024, 1, 1}, {16, 256, 256, 1, 1}, {14, 512, 512, 1, 1},
    {56, 64, 64, 1, 1},     {112, 32, 32, 1, 1},
};

// The layers of a training step on images of 32x32.
inline constexpr size_t kTrainingBatch = 64;
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

constexpr ConvShape depthwise(size_t in_hw, size_t c, size_t kernel, size_t stride) {
  return {in_hw, c, c, kernel, stride, c};
}
// MobileNet v2, larger kernels, those of MobileNet v3.
inline constexpr ConvShape kDepthwiseShapes[] = {
    depthwise(112, 32, 3, 1), depthwise(112, 96, 3, 2), depthwise(56, 144, 3, 1),
    depthwise(56, 144, 3, 2), depthwise(28, 192, 3, 1), depthwise(28, 192, 3, 2),
    depthwise(14, 384, 3, 1), depthwise(14, 576, 3, 1), depthwise(14, 576, 3, 2),
    depthwise(7, 960, 3, 1),  depthwise(28, 120, 5, 1), depthwise(28, 128, 7, 1),
    depthwise(56, 72, 5, 2),  depthwise(28, 96, 5, 2),  depthwise(14, 240, 5, 1),
    depthwise(14, 672, 5, 2), depthwise(7, 960, 5, 1),
};

// A layer of an f32 kernel, given as the functions of its contract and reference, with random data.
template <class Params, auto kPackedBytes, auto kPack, auto kWork, auto kRun, auto kReference>
struct ConvF32BenchLayer {
  Params params;
  std::vector<float> weight, bias;
  AlignedBuffer x, y, packed, workspace;
  Work work;

  // options: what Params holds besides.
  explicit ConvF32BenchLayer(const Conv2dGeometry& g, const Params& options = {})
      : params(options),
        weight(g.out_c * g.taps()),
        bias(g.out_c),
        x(g.batch * g.in_h * g.in_w * g.in_c * sizeof(float)),
        y(g.batch * g.out_h * g.out_w * g.out_c * sizeof(float)) {
    Rng rng(1);
    for (float& w : weight) w = rng.uniform(-1.0f, 1.0f);
    for (float& b : bias) b = rng.uniform(-1.0f, 1.0f);
    for (size_t i = 0; i < x.size() / sizeof(float); ++i)
      x.as<float>()[i] = rng.uniform(-1.0f, 1.0f);
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
    params.lo = 0;
    params.hi = 6;
    packed = AlignedBuffer(kPackedBytes(params));
    pack();
    work = kWork(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }

  void pack() { kPack(params, packed.data()); }
  void run() {
    kRun(params, packed.data(), x.as<float>(), y.as<float>(), workspace.data(), 0, work.tasks);
  }
  bool right(size_t oy, size_t ox, size_t o, size_t y_index) {
    const auto want = kReference(params, x.as<float>(), 0, oy, ox, o);
    return std::abs(y.as<float>()[y_index] - want.y) <= want.bound;
  }
  static double peak_gmacs() { return bench::peak_gmacs_f32(); }
};

// The same of a kernel from u8 to u8 with s8 weights; kSum: its reference before requantization.
template <class Params, auto kPackedBytes, auto kPack, auto kWork, auto kRun, auto kSum>
struct ConvU8BenchLayer {
  Params params;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  AlignedBuffer x, y, packed, workspace;
  Work work;

  explicit ConvU8BenchLayer(const Conv2dGeometry& g, const Params& options = {})
      : params(options),
        weight(g.out_c * g.taps()),
        bias(g.out_c),
        multiplier(g.out_c),
        x(g.batch * g.in_h * g.in_w * g.in_c),
        y(g.batch * g.out_h * g.out_w * g.out_c) {
    Rng rng(1);
    for (int8_t& w : weight) w = static_cast<int8_t>(rng.integer(-127, 127));
    for (int32_t& b : bias) b = static_cast<int32_t>(rng.integer(-9999, 9999));
    for (float& m : multiplier)
      m = rng.uniform(0.5f, 1.0f) / (90.0f * std::sqrt(static_cast<float>(g.taps())));
    for (size_t i = 0; i < x.size(); ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
    params.geometry = g;
    params.weight = weight.data();
    params.bias = bias.data();
    params.multiplier = multiplier.data();
    params.x_zero_point = 120;
    params.range = {128, 0, 255};
    packed = AlignedBuffer(kPackedBytes(params));
    pack();
    work = kWork(params);
    workspace = AlignedBuffer(work.workspace_bytes);
  }

  void pack() { kPack(params, packed.data()); }
  void run() {
    kRun(params, packed.data(), x.as<uint8_t>(), y.as<uint8_t>(), workspace.data(), 0, work.tasks);
  }
  bool right(size_t oy, size_t ox, size_t o, size_t y_index) {
    const int32_t acc = kSum(params, x.as<uint8_t>(), 0, oy, ox, o);
    return y.as<uint8_t>()[y_index] == ref::requantize(acc, multiplier[o], params.range);
  }
  static double peak_gmacs() { return bench::peak_gmacs_u8s8(); }
};

// Layer: as above.
template <class Layer>
bool sampled_right(Layer& layer) {
  const Conv2dGeometry& g = layer.params.geometry;
  Rng rng(2);
  for (int i = 0; i < 2000; ++i) {
    const size_t oy = rng.below(g.out_h), ox = rng.below(g.out_w), o = rng.below(g.out_c);
    if (!layer.right(oy, ox, o, (oy * g.out_w + ox) * g.out_c + o)) return false;
  }
  return true;
}

template <class Layer>
void measure_conv(benchmark::State& state, const Target& target, Conv2dGeometry g) {
  set_target(target);
  Layer layer(g);
  layer.run();
  if (!sampled_right(layer)) {
    state.SkipWithError("differs from the reference");
    reset_target();
    return;
  }
  double best = 1e9, peak = 0, pack = 1e9;
  for (auto _ : state) {
    peak = std::max(peak, Layer::peak_gmacs());
    pack = std::min(pack, bench::best_seconds([&] { layer.pack(); }, 10));
    best = std::min(best, bench::best_seconds([&] { layer.run(); }, 60));
    state.SetIterationTime(best);
  }
  const double gmacs = static_cast<double>(g.macs()) / best * 1e-9;
  state.counters["GMAC/s"] = gmacs;
  state.counters["peak"] = gmacs / peak;
  state.counters["GB/s"] = static_cast<double>(layer.x.size() + layer.y.size()) / best * 1e-9;
  state.counters["us"] = best * 1e6;
  state.counters["pack GB/s"] =
      static_cast<double>(layer.weight.size() * sizeof(layer.weight[0])) / pack * 1e-9;
  reset_target();
}

template <class Layer>
bool register_convs(const std::string& kernel, std::span<const ConvShape> shapes, size_t batch = 1,
                    const char* suffix = "") {
  const std::span<const Target> targets = supported_targets();
  for (const Target& target : batch == 1 ? targets : targets.first(1))
    for (const ConvShape& s : shapes) {
      char channels[40], layer[80];
      if (s.groups == 1) {
        std::snprintf(channels, sizeof(channels), "%zu->%zu", s.in_c, s.out_c);
      } else {
        std::snprintf(channels, sizeof(channels), "c%zu", s.in_c);
      }
      std::snprintf(layer, sizeof(layer), "%zux%zux%zu %s %zux%zu/%zu%s", batch, s.in_hw, s.in_hw,
                    channels, s.kernel, s.kernel_w(), s.stride, suffix);
      Conv2dGeometry g = s.geometry();
      g.batch = batch;
      const std::string name = kernel + "/" + target.name + "/" + layer;
      benchmark::RegisterBenchmark(name.c_str(), measure_conv<Layer>, target, g)
          ->UseManualTime()
          ->Iterations(4);
    }
  return true;
}

}  // namespace octet::kernels
