// Activations of MobileNet v3's sizes, and a branch of GoogLeNet on its way into a concatenation;
// bytes read and written per second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/kernel_testing.h"
#include "kernels/table_u8.h"
#include "kernels/table_u8_ref.h"

namespace octet::kernels {
namespace {

void look_up(benchmark::State& state, const Target& target, const table_u8::Rows& rows) {
  set_target(target);
  Rng rng(1);
  std::vector<uint8_t> table(256), x(rows.rows * rows.x_stride), y(rows.rows * rows.y_stride);
  for (uint8_t& v : table) v = static_cast<uint8_t>(rng.next());
  for (uint8_t& v : x) v = static_cast<uint8_t>(rng.next());
  std::vector<uint8_t> want(y.size());
  for (auto _ : state) {
    table_u8::run_rows(table.data(), rows, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  ref::table_u8::run_rows(table.data(), rows, x.data(), want.data());
  if (y != want) state.SkipWithError("wrong result");
  state.counters["GB/s"] = benchmark::Counter(2e-9 * static_cast<double>(rows.rows * rows.n),
                                              benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets()) {
    const std::string name = target.name;
    for (const size_t n : {112 * 112 * 16, 14 * 14 * 240, 7 * 7 * 960}) {
      const table_u8::Rows whole{1, n, n, n};
      benchmark::RegisterBenchmark((name + "/" + std::to_string(n)).c_str(), look_up, target, whole)
          ->Unit(benchmark::kMicrosecond);
    }
    const table_u8::Rows branch{28 * 28, 32, 32, 256};
    benchmark::RegisterBenchmark((name + "/784x32of256").c_str(), look_up, target, branch)
        ->Unit(benchmark::kMicrosecond);
  }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
