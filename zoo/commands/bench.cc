#include "zoo/commands/bench.h"

#include "base/error.h"
#include "zoo/commands/measurement.h"
#include "zoo/commands/options.h"
#include "zoo/files.h"
#include "zoo/hash.h"
#include "zoo/image_model.h"
#include "zoo/run_program.h"
#include "zoo/seeded_model.h"

namespace octet::zoo {
namespace {

constexpr size_t kMaxRuns = 1'000'000, kMaxBatch = 4096;

class Bench : public Command {
 public:
  explicit Bench(CLI::App& app) : threads_(app), target_(app), report_(app) {
    app.option_defaults()->always_capture_default();
    CLI::Option* file = app.add_option("file", file_, "an .octet file");
    app.add_option(
           "--model", model_,
           "instead of a file: that model of the zoo, in int8 with weights from a seed; its "
           "hash is known, so that this checks the machine")
        ->excludes(file);
    app.add_option("--runs", options_.runs, "timed runs")->check(CLI::Range(size_t{1}, kMaxRuns));
    app.add_option("--batch", options_.batch, "images that run together")
        ->check(CLI::Range(size_t{1}, kMaxBatch));
    app.add_option("--seed", options_.seed, "of the input, which is made up")
        ->check(whole_number());
  }

  int run() override {
    OCTET_CHECK(!file_.empty() || !model_.empty(), "bench: an .octet file or --model is needed");
    std::vector<std::string> inputs;
    if (!file_.empty()) inputs.push_back(user_path(file_));
    report_.check(inputs);
    target_.use();
    ThreadPool pool(threads_.threads);
    Measurement measurement = measure_model(model(), pool, options_);
    // The table's number is for what the defaults make up.
    if (!model_.empty() && options_.batch == 1 && options_.seed == MeasureOptions().seed)
      measurement.golden = hash_text(find_model(model_).golden);
    report_.write(to_text(measurement), to_json(measurement));
    return measurement.golden.empty() || measurement.hash == measurement.golden ? 0 : 1;
  }

 private:
  ModelPtr model() const {
    if (model_.empty()) return load_model(user_path(file_));
    return create_model(make_seeded_model(find_model(model_)));
  }

  ThreadsOption threads_;
  TargetOption target_;
  ReportOption report_;
  std::string file_, model_;  // one of them
  MeasureOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_bench(CLI::App& app) { return std::make_unique<Bench>(app); }

}  // namespace octet::zoo
