// One row of gates; gates (four of an element) per second.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/kernel_testing.h"
#include "kernels/lstm_cell.h"
#include "kernels/lstm_cell_ref.h"

namespace octet::kernels {
namespace {

void run_cell(benchmark::State& state, const Target& target, size_t hidden) {
  set_target(target);
  Rng rng(1);
  std::vector<float> start(4 * hidden), gates(start), recurrent(start), h(hidden), c(hidden);
  testing::fill_floats(start, rng, -4.0f, 4.0f);
  testing::fill_floats(recurrent, rng, -4.0f, 4.0f);
  for (auto _ : state) {
    std::memcpy(gates.data(), start.data(), start.size() * sizeof(float));
    lstm_cell(hidden, gates.data(), recurrent.data(), h.data(), c.data());
    benchmark::ClobberMemory();
  }
  std::vector<float> want_gates = start, want_h(hidden), want_c(hidden);
  gates = start;
  c.assign(hidden, 0.0f);
  lstm_cell(hidden, gates.data(), recurrent.data(), h.data(), c.data());
  ref::lstm_cell(hidden, want_gates.data(), recurrent.data(), want_h.data(), want_c.data());
  if (h != want_h || c != want_c || gates != want_gates) state.SkipWithError("wrong result");
  state.counters["Ggates/s"] = benchmark::Counter(4e-9 * static_cast<double>(hidden),
                                                  benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const size_t hidden : {128, 512}) {
      const std::string name = std::string(target.name) + "/" + std::to_string(hidden);
      benchmark::RegisterBenchmark(name.c_str(), run_cell, target, hidden);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
