#include "zoo/commands/quantize.h"

#include <cstddef>
#include <iostream>

#include "base/error.h"
#include "base/printable.h"
#include "engine/format.h"
#include "tensor/threads.h"
#include "zoo/commands/quantize_inputs.h"
#include "zoo/commands/quantize_page.h"
#include "zoo/files.h"
#include "zoo/models.h"
#include "zoo/run_program.h"
#include "zoo/table.h"

namespace octet::zoo {
namespace {

// What --report takes.
constexpr size_t kStudyImages = 16, kStudyRuns = 50;

// How to go on from a run without weights.
std::string own_note(const QuantizeProgram& program, const std::string& model) {
  const bool is_small = find_model(model).preprocessing.crop <= kSmallSide;
  std::string call = "  bazel run " + program.call;
  if (model != program.models[0]) call += " --model=" + model;
  call += " --weights=W.pth ";
  call += is_small ? "--data=cifar10 --data-folder=DIR" : "--images=DIR --labels=FILE.csv";
  const std::string names = model == QuantizeOptions::kBundledModel
                                ? "torchvision's " + model + " state dict"
                                : "trained state dict of " + model + ", with PyTorch's names";
  return "\nWith weights and images of your own:\n" + call + "\nW.pth: " + names +
         " (or .safetensors)" +
         (is_small ? "; DIR: data_batch_*.bin and test_batch.bin.\n"
                   : "; FILE.csv: lines 'file,class'.\n");
}

class Quantize : public Command {
 public:
  Quantize(CLI::App& app, const QuantizeProgram& program)
      : program_(program), options_(app, program) {}

  int run() override {
    options_.finish();
    set_num_threads(options_.threads.threads);
    ParallelFor& pool = default_pool();
    QuantizeJob job =
        options_.is_random() ? make_random_job(options_, pool) : make_quantize_job(options_);
    const QuantizeResult result = run_quantize_job(job, pool);
    std::string text = to_text(result.report);
    if (options_.is_bundled()) text += '\n' + full_size_report(pool);
    if (!options_.has_inputs()) text += own_note(program_, options_.model);
    throw_if_interrupted();
    for (const std::string& remark : result.remarks) std::cerr << without_controls(remark) << '\n';
    std::cout << '\n' << text << std::flush;
    save(result);
    if (!options_.report.empty()) {  // last: layers' values take more memory than all before
      const LayerStudy study = study_layers(result, job, pool);
      write_file(options_.report, to_html(result.report, study, result.remarks));
    }
    return 0;
  }

 private:
  // Of the float model and the first int8 model.
  static LayerStudy study_layers(const QuantizeResult& result, const QuantizeJob& job,
                                 ParallelFor& pool) {
    const ModelPtr float_model = create_model(result.float_program);
    const ModelPtr int8_model = create_model(result.int8);
    LayerStudy study;
    Comparer comparer(float_model, int8_model, pool);
    const std::vector<size_t> images = spread_over(job.evaluation, kStudyImages);
    Progress progress("comparison", images.size());
    const size_t bytes = job.data->preprocessing().elements() * sizeof(float);
    for_each_batch(*job.data, images, 1, pool, progress, [&](const Batch& batch) {
      const auto* pixels = reinterpret_cast<const std::byte*>(batch.pixels);
      comparer.show({std::vector<std::byte>(pixels, pixels + bytes)});
    });
    study.comparison = comparer.result();
    if (result.report.speed) return study;
    const MeasureOptions how{.runs = kStudyRuns};
    study.measured = {measure_model(float_model, pool, how), measure_model(int8_model, pool, how)};
    return study;
  }

  std::string full_size_report(ParallelFor& pool) const {
    QuantizeJob job = make_random_job(options_, pool);
    return to_text(run_quantize_job(job, pool).report);
  }

  static void save_program(const engine::Program& program, const std::string& path) {
    if (path.empty()) return;
    const auto saved = engine::save(program, path);
    OCTET_CHECK(saved, saved.why());
  }

  void save(const QuantizeResult& result) const {
    save_program(result.int8, options_.save);
    save_program(result.float_program, options_.save_float);
    if (!options_.json.empty()) write_file(options_.json, to_json(result.report));
  }

  QuantizeProgram program_;
  QuantizeOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_quantize(CLI::App& app) {
  QuantizeProgram program{.models = {QuantizeOptions::kBundledModel},
                          .call = "//zoo:octet -- quantize"};
  for (const ModelEntry& entry : models())
    if (entry.name != program.models[0]) program.models.push_back(entry.name);
  return make_quantize_of(app, program);
}

std::unique_ptr<Command> make_quantize_of(CLI::App& app, const QuantizeProgram& program) {
  return std::make_unique<Quantize>(app, program);
}

}  // namespace octet::zoo
