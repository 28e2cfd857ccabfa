// One sequence with BERT-base's heads; multiply-adds of both products per second.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/attention_f32.h"
#include "kernels/attention_f32_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

void attention(benchmark::State& state, const Target& target, size_t length) {
  set_target(target);
  const attention_f32::Params p{1, length, 12, 64};
  Rng rng(1);
  std::vector<float> q(length * 768), k(q.size()), v(q.size()), y(q.size()), want(q.size());
  testing::fill_floats(q, rng);
  testing::fill_floats(k, rng);
  testing::fill_floats(v, rng);
  const attention_f32::Operands operands{q.data(), k.data(), v.data(), nullptr};
  const Work work = attention_f32::work(p);
  AlignedBuffer workspace(work.workspace_bytes);
  for (auto _ : state) {
    attention_f32::run(p, operands, y.data(), workspace.data(), 0, work.tasks);
    benchmark::ClobberMemory();
  }
  std::vector<float> scores(length);
  ref::attention_f32::run(p, operands, want.data(), scores.data());
  if (want != y) state.SkipWithError("wrong result");
  state.counters["GMAC/s"] = benchmark::Counter(2e-9 * static_cast<double>(length * length * 768),
                                                benchmark::Counter::kIsIterationInvariantRate);
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const size_t length : {16, 128, 384}) {
      const std::string name = std::string(target.name) + "/" + std::to_string(length);
      benchmark::RegisterBenchmark(name.c_str(), attention, target, length)
          ->Unit(benchmark::kMicrosecond);
    }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
