// The splits and shuffles of ShuffleNet v2 (stages of 116, 232 and 464 channels) and a branch of
// GoogLeNet on its way into a concatenation; bytes read and written per second.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/channels.h"
#include "kernels/channels_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

// run(x, y) fills y, as reference(x, y) does.
template <class T, class Run, class Reference>
void measure(benchmark::State& state, size_t x_size, size_t y_size, double moved, const Run& run,
             const Reference& reference) {
  std::vector<T> x(x_size), y(y_size), want(y_size);
  Rng rng(1);
  for (T& v : x) v = static_cast<T>(rng.below(256));
  for (auto _ : state) {
    run(x.data(), y.data());
    benchmark::ClobberMemory();
  }
  reference(x.data(), want.data());
  if (y != want) state.SkipWithError("wrong result");
  state.counters["GB/s"] =
      benchmark::Counter(1e-9 * moved * sizeof(T), benchmark::Counter::kIsIterationInvariantRate);
}

template <class T>
void shuffle(benchmark::State& state, const Target& target, size_t rows, size_t n) {
  set_target(target);
  measure<T>(
      state, rows * n, rows * n, 2.0 * static_cast<double>(rows * n),
      [=](const T* x, T* y) { channels::shuffle(rows, n, 2, x, y); },
      [=](const T* x, T* y) { ref::channels::shuffle(rows, n, 2, x, y); });
  reset_target();
}

template <class T>
void copy(benchmark::State& state, const channels::Rows& rows) {
  measure<T>(
      state, rows.rows * rows.x_stride, rows.rows * rows.y_stride,
      2.0 * static_cast<double>(rows.rows * rows.n),
      [=](const T* x, T* y) { channels::copy(rows, x, y); },
      [=](const T* x, T* y) { ref::channels::copy(rows, x, y); });
}

const bool registered = [] {
  const std::pair<size_t, size_t> stages[] = {{28 * 28, 116}, {14 * 14, 232}, {7 * 7, 464}};
  for (const auto& [rows, n] : stages) {
    const std::string shape = std::to_string(rows) + "x" + std::to_string(n);
    for (const Target& target : supported_targets()) {
      const std::string name = std::string(target.name) + "/shuffle/" + shape;
      benchmark::RegisterBenchmark((name + "/u8").c_str(), shuffle<uint8_t>, target, rows, n);
      benchmark::RegisterBenchmark((name + "/f32").c_str(), shuffle<float>, target, rows, n);
    }
    const channels::Rows half{rows, n / 2, n, n / 2};
    benchmark::RegisterBenchmark(("half/" + shape + "/u8").c_str(), copy<uint8_t>, half);
    benchmark::RegisterBenchmark(("half/" + shape + "/f32").c_str(), copy<float>, half);
  }
  const channels::Rows branch{28 * 28, 32, 32, 256};
  benchmark::RegisterBenchmark("into/784x32of256/u8", copy<uint8_t>, branch);
  benchmark::RegisterBenchmark("into/784x32of256/f32", copy<float>, branch);
  return true;
}();

}  // namespace
}  // namespace octet::kernels
