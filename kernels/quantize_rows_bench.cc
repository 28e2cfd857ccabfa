// The passes over a layer's weights that a step of quantization-aware training makes.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/quantize_rows.h"
#include "kernels/quantize_rows_ref.h"

namespace octet::kernels {
namespace {

constexpr size_t kRows = 320, kRowSize = 960;

struct Layer {
  std::vector<float> w = std::vector<float>(kRows * kRowSize), scale, factor, dw, dq;
  std::vector<int8_t> q = std::vector<int8_t>(kRows * kRowSize);
  Layer() : scale(kRows, 0.01f), factor(kRows, 1.5f), dw(w.size()), dq(w.size(), 0.5f) {
    Rng rng(1);
    testing::fill_floats(w, rng, -1.0f, 1.0f);
  }
  quantize_rows::Rows rows() const { return {w.data(), kRows, kRowSize, factor.data()}; }
  quantize_rows::Grid grid() const { return {scale.data(), -127, 127}; }
};

void report(benchmark::State& state, double bytes_per_element, bool right) {
  if (!right) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(bytes_per_element * 1e-9 * kRows * kRowSize,
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

void forward(benchmark::State& state, const Target& target) {
  set_target(target);
  Layer layer;
  std::vector<float> min(kRows), max(kRows);
  for (auto _ : state) {
    quantize_rows::range(layer.rows(), min.data(), max.data(), 0, kRows);
    quantize_rows::quantize(layer.rows(), layer.grid(), layer.q.data(), 0, kRows);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < layer.q.size(); ++i)
    right &= layer.q[i] == ref::quantize_rows::quantize(layer.w[i], 1.5f, 0.01f, -127, 127);
  report(state, 9, right);
}

void gradient(benchmark::State& state, const Target& target) {
  set_target(target);
  Layer layer;
  std::vector<double> a(kRows), b(kRows);
  for (auto _ : state) {
    quantize_rows::backward({layer.rows(), layer.grid(), layer.dq.data(), layer.factor.data()},
                            {layer.dw.data(), a.data(), b.data()}, 0, kRows);
    benchmark::ClobberMemory();
  }
  bool right = true;
  for (size_t i = 0; i < layer.w.size(); ++i)
    right &= layer.dw[i] ==
             (ref::quantize_rows::passes(layer.w[i], 1.5f, 0.01f, -127, 127) ? 0.75f : 0.0f);
  report(state, 12, right);
}

const bool registered = [] {
  for (const Target& target : supported_targets()) {
    const std::string name = std::string("quantize_rows/") + target.name;
    benchmark::RegisterBenchmark((name + "/range_quantize").c_str(), forward, target);
    benchmark::RegisterBenchmark((name + "/backward").c_str(), gradient, target);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
