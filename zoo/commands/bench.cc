#include "zoo/commands/bench.h"

#include "zoo/commands/measurement.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/image_model.h"
#include "zoo/run_program.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxRuns = 1'000'000, kMaxBatch = 4096;

class Bench : public Command {
 public:
  explicit Bench(CLI::App& app) : threads_(app), target_(app), report_(app) {
    app.option_defaults()->always_capture_default();
    app.add_option("file", file_, "an .octet file")->required();
    app.add_option("--runs", options_.runs, "timed runs")->check(CLI::Range(size_t{1}, kMaxRuns));
    app.add_option("--batch", options_.batch, "images that run together")
        ->check(CLI::Range(size_t{1}, kMaxBatch));
    app.add_option("--seed", options_.seed, "of the input, which is made up")
        ->check(whole_number());
  }

  int run() override {
    report_.check({user_path(file_)});
    target_.use();
    const ModelPtr model = load_model(user_path(file_));
    ThreadPool pool(threads_.threads);
    const Measurement measurement = measure_model(model, pool, options_);
    report_.write(to_text(measurement), to_json(measurement));
    return 0;
  }

 private:
  ThreadsOption threads_;
  TargetOption target_;
  ReportOption report_;
  std::string file_;
  MeasureOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_bench(CLI::App& app) { return std::make_unique<Bench>(app); }

}  // namespace octet::zoo
