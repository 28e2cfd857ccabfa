// The shortcuts of a CIFAR ResNet (channels) and MobileNet's first layer (bottom and right); bytes
// read and written per second.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/pad.h"
#include "kernels/pad_ref.h"

namespace octet::kernels {
namespace {

template <class T>
void measure(benchmark::State& state, const pad::Params& p) {
  std::vector<T> x(p.in_h * p.in_w * p.in_c), y(p.out_h * p.out_w * p.out_c), want(y.size());
  Rng rng(1);
  for (T& v : x) v = static_cast<T>(rng.below(256));
  for (auto _ : state) {
    pad::run(p, T{0}, x.data(), y.data(), 0, pad::work(p).tasks);
    benchmark::ClobberMemory();
  }
  ref::pad::run(p, T{0}, x.data(), want.data());
  if (y != want) state.SkipWithError("wrong result");
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * static_cast<double>((x.size() + y.size()) * sizeof(T)),
                         benchmark::Counter::kIsIterationInvariantRate);
}

pad::Params shortcut(size_t side, size_t channels) {
  return {.in_h = side,
          .in_w = side,
          .in_c = channels,
          .out_h = side,
          .out_w = side,
          .out_c = 2 * channels,
          .pad_front = channels / 2};
}

const bool registered = [] {
  const std::pair<std::string, pad::Params> shapes[] = {
      {"16x16x16/channels", shortcut(16, 16)},
      {"8x8x32/channels", shortcut(8, 32)},
      {"224x224x3/edges",
       {.in_h = 224, .in_w = 224, .in_c = 3, .out_h = 225, .out_w = 225, .out_c = 3}}};
  for (const auto& [name, p] : shapes) {
    benchmark::RegisterBenchmark(("pad/any/u8 " + name).c_str(), measure<uint8_t>, p);
    benchmark::RegisterBenchmark(("pad/any/f32 " + name).c_str(), measure<float>, p);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
