// One row (a step of a language model), some, and a batch.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "kernels/dynamic_rows.h"
#include "kernels/dynamic_rows_ref.h"
#include "kernels/kernel_testing.h"

namespace octet::kernels {
namespace {

void product(benchmark::State& state, const Target& target, size_t rows, size_t inputs,
             size_t outputs) {
  set_target(target);
  Rng rng(1);
  std::vector<int8_t> weight(inputs * outputs);
  std::vector<float> weight_scale(outputs, 0.01f), bias(outputs), x(rows * inputs);
  testing::fill_integers(weight, rng, -127, 127);
  testing::fill_floats(bias, rng);
  testing::fill_floats(x, rng);
  dynamic_rows::Params params;
  params.rows = rows, params.inputs = inputs, params.outputs = outputs;
  params.weight = weight.data(), params.weight_scale = weight_scale.data();
  params.bias = bias.data();
  AlignedBuffer packed(dynamic_rows::packed_bytes(params));
  dynamic_rows::pack(params, packed.data());
  const Work work = dynamic_rows::work(params);
  AlignedBuffer workspace(work.workspace_bytes);
  std::vector<float> y(rows * outputs), want(y.size());
  for (auto _ : state) {
    dynamic_rows::run(params, packed.data(), x.data(), y.data(), workspace.data(), 0, work.tasks);
    benchmark::ClobberMemory();
  }
  ref::dynamic_rows::run(params, x.data(), want.data());
  if (want != y) state.SkipWithError("wrong result");
  const auto rate = [&](double per_run) {
    return benchmark::Counter(per_run * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["GMAC/s"] = rate(static_cast<double>(rows * inputs * outputs));
  state.counters["weights GB/s"] = rate(static_cast<double>(inputs * outputs));
  reset_target();
}

const bool registered = [] {
  for (const Target& target : supported_targets())
    for (const size_t rows : {1, 8, 35, 256})
      for (const size_t inputs : {128, 512, 1024}) {
        const size_t outputs = 4 * inputs;
        const std::string name = "dynamic_rows/" + std::string(target.name) + "/" +
                                 std::to_string(rows) + "x" + std::to_string(inputs) + "x" +
                                 std::to_string(outputs);
        benchmark::RegisterBenchmark(name.c_str(), product, target, rows, inputs, outputs)
            ->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
}  // namespace octet::kernels
