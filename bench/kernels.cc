// kernels: every kernel that inference runs, on every target, over the layers of the zoo.
//
//   bazel build //bench:kernels && taskset -c 1 bazel-bin/bench/kernels --filter=u8s8/AVX3_VNNI
//
// These are the benchmarks of kernels/*_bench.cc in one program, which compare their results with
// the reference first. One row per layer: GMAC/s with the share of the peak that loops of the same
// target reach in registers, measured beside the kernel (bench/peak.h), or the bytes read and
// written; then a row per kernel and target: the share is that of the summed multiply-adds in the
// summed time. On a shared machine trust rows that repeat; the convolutions report the least of
// many samples of CPU time. What is wrong is said, and the program fails.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "zoo/table.h"

namespace octet::bench {
namespace {

using zoo::fixed;

struct Sum {
  int layers = 0, wrong = 0;
  double seconds = 0, gmacs = 0, gmacs_at_peak = 0, gbytes = 0;
};

// "conv_u8s8/AVX2/1x56x56 64->64 3x3/1": kernel, target, layer.
struct Name {
  std::string kernel, target, layer;
  explicit Name(const std::string& text) {
    const size_t first = text.find('/'), second = text.find('/', first + 1);
    kernel = text.substr(0, first);
    target = text.substr(first + 1, second - first - 1);
    layer = text.substr(second + 1);
  }
};

class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::printf("%-16s %-10s %-30s %9s %7s %7s %7s\n", "kernel", "target", "layer", "us", "GMAC/s",
                "% peak", "GB/s");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) report(run);
    std::fflush(stdout);
  }

  // The rows per kernel and target; whether all results were right.
  bool print_summary() const {
    std::vector<std::vector<std::string>> rows = {
        {"kernel", "target", "layers", "wrong", "GMAC/s", "% of peak", "GB/s"}};
    int wrong = 0;
    for (const auto& [key, sum] : sums_) {
      wrong += sum.wrong;
      const auto rate = [&](double amount) {
        return amount > 0 ? fixed(amount / sum.seconds, 1) : "";
      };
      const std::string share =
          sum.gmacs_at_peak > 0 ? fixed(100 * sum.gmacs / sum.gmacs_at_peak, 0) : "";
      rows.push_back({key.first, key.second, std::to_string(sum.layers), std::to_string(sum.wrong),
                      rate(sum.gmacs), share, rate(sum.gbytes)});
    }
    std::printf("\n%s\n", zoo::format_table(rows).c_str());
    return wrong == 0;
  }

 private:
  static double counter(const Run& run, const char* name) {
    const auto found = run.counters.find(name);
    return found == run.counters.end() ? 0.0 : found->second.value;
  }

  void report(const Run& run) {
    const Name name(run.run_name.function_name);
    Sum& sum = sums_[{name.kernel, name.target}];
    ++sum.layers;
    std::printf("%-16s %-10s %-30s ", name.kernel.c_str(), name.target.c_str(), name.layer.c_str());
    if (run.error_occurred) {
      ++sum.wrong;
      std::printf("%s\n", run.error_message.c_str());
      return;
    }
    // Benchmarks that time themselves report what one call took by a counter.
    const double us = counter(run, "us");
    const double seconds =
        us > 0 ? 1e-6 * us : run.cpu_accumulated_time / static_cast<double>(run.iterations);
    const double gmacs = counter(run, "GMAC/s"), peak = counter(run, "peak");
    const double gbytes = counter(run, "GB/s");
    sum.seconds += seconds;
    sum.gmacs += gmacs * seconds;
    sum.gbytes += gbytes * seconds;
    if (peak > 0) sum.gmacs_at_peak += gmacs / peak * seconds;
    std::printf("%9.2f %7s %7s %7s\n", 1e6 * seconds, gmacs > 0 ? fixed(gmacs, 1).c_str() : "",
                peak > 0 ? fixed(100 * peak, 0).c_str() : "",
                gbytes > 0 ? fixed(gbytes, 1).c_str() : "");
  }

  std::map<std::pair<std::string, std::string>, Sum> sums_;
};

int run(int argc, char** argv) {
  std::string filter;
  bool training = false;
  CLI::App app("Every kernel of inference on every target, over the layers of the zoo.", "kernels");
  app.add_option("--filter", filter,
                 "a regular expression; names are kernel/target/layer, as in the table");
  app.add_flag("--training", training, "with the batches of 64 of training");
  CLI11_PARSE(app, argc, argv);
  // Google Benchmark: a leading minus leaves out what matches.
  if (filter.empty()) filter = training ? "." : "-/64x";
  Table table;
  if (benchmark::RunSpecifiedBenchmarks(&table, filter) == 0) {
    std::fprintf(stderr, "kernels: nothing matches %s\n", filter.c_str());
    return 1;
  }
  return table.print_summary() ? 0 : 1;
}

}  // namespace
}  // namespace octet::bench

int main(int argc, char** argv) { return octet::bench::run(argc, argv); }
