#include "zoo/language_job.h"

#include <algorithm>

#include "base/error.h"
#include "engine/format.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/qconfig.h"
#include "quant/quantize_dynamic.h"
#include "zoo/progress.h"
#include "zoo/token_batches.h"

namespace octet::zoo {
namespace {

constexpr const char* kQConfig = "x86";
constexpr size_t kCalibrationPieces = 8;
constexpr int64_t kCalibrationSteps = 100;
constexpr double kObservedPart = 0.5;  // of fine-tuning, in which observers move

// Lengths do not matter: stream_program() gives a program another one.
Tensor example() { return Tensor::zeros({1, kChunkSteps}, DType::s64); }

quant::Conversion quantize_dynamically(const LanguageJob& job) {
  return quant::quantize_dynamic(job.model, example(), {"embedding", "lstm", "linear"});
}

// Long pieces, for states as they are far from the start; from all parts of the text.
quant::Conversion quantize_statically(const LanguageJob& job) {
  const auto prepared =
      quant::prepare(job.model, example(), quant::get_default_qconfig_mapping(kQConfig));
  const Tensor streams = batchify(job.training, streams_for(job.training.size()));
  Progress progress("calibration", kCalibrationPieces);
  for (size_t i = 0; i < kCalibrationPieces; ++i) {
    const auto place = (streams.dim(1) - 1) * static_cast<int64_t>(i) / kCalibrationPieces;
    (*prepared)(get_batch(streams, place, kCalibrationSteps).tokens);
    progress.step();
  }
  return quant::convert(*prepared);
}

quant::Conversion fine_tune(const LanguageJob& job) {
  const auto prepared =
      quant::prepare_qat(job.model, example(), quant::get_default_qat_qconfig_mapping(kQConfig));
  const LanguageTraining training{
      .module = *prepared,
      .parameters = job.model.named_parameters(),
      .run =
          [&](const Tensor& tokens, const std::optional<nn::LstmState>&) {
            return LanguageModel::Result{(*prepared)(tokens), {}};
          },
      .on_step = [&](double part) { prepared->enable_observer(part < kObservedPart); },
      .whole_chunks = true};
  train_language_model(
      training, job.training, job.qat, [] { return 0.0; },
      [](const std::vector<LanguageEpoch>&) {});
  return quant::convert(*prepared);
}

struct Workflow {
  const char* name;
  quant::Conversion (*quantize)(const LanguageJob&);
};

constexpr Workflow kWorkflows[] = {
    {"dynamic", quantize_dynamically},
    {"static", quantize_statically},
    {"qat", fine_tune},
};

const Workflow& find_workflow(const std::string& name) {
  const auto found = std::find_if(std::begin(kWorkflows), std::end(kWorkflows),
                                  [&](const Workflow& w) { return w.name == name; });
  OCTET_CHECK(found != std::end(kWorkflows), "there is no workflow '", name, "'");
  return *found;
}

LanguageFigures evaluate(std::string name, const engine::Program& program, const LanguageJob& job,
                         ParallelFor& pool) {
  LanguageFigures figures;
  Progress progress(name, evaluation_pieces(job.held_out.size()));
  figures.name = std::move(name);
  figures.nats = mean_nats(program, job.held_out, pool, progress);
  const auto bytes = engine::serialize(stream_program(program, 1));
  OCTET_CHECK(bytes, "the model can't be written: ", bytes.why());
  figures.file_bytes = bytes->size();
  return figures;
}

}  // namespace

std::vector<std::string> language_workflows() {
  std::vector<std::string> names;
  for (const Workflow& w : kWorkflows) names.push_back(w.name);
  return names;
}

engine::Program float_program(LanguageModel& model) {
  return nn::lower(nn::trace(model, example()));
}

LanguageResult run_language_job(const LanguageJob& job, ParallelFor& pool) {
  LanguageResult result;
  LanguageReport& report = result.report;
  report.target = kernels::current_target().name;
  report.threads = pool.threads();
  report.tokens = job.held_out.size();
  std::vector<engine::Program> programs{float_program(job.model)};
  report.float_model = evaluate("float", programs[0], job, pool);
  for (const std::string& name : job.workflows) {
    quant::Conversion conversion = find_workflow(name).quantize(job);
    programs.push_back(std::move(conversion.program));
    LanguageFigures figures = evaluate("int8 " + name, programs.back(), job, pool);
    figures.layers = conversion.layers.size();
    figures.quantized_layers = static_cast<size_t>(
        std::count_if(conversion.layers.begin(), conversion.layers.end(),
                      [](const quant::LayerReport& layer) { return layer.quantized; }));
    report.int8_models.push_back(std::move(figures));
  }
  Progress progress("speed", kSpeedSamples);
  const auto speeds = measure_speed(programs, job.held_out, pool, progress);
  report.float_model.speed = speeds[0];
  for (size_t i = 1; i < speeds.size(); ++i) report.int8_models[i - 1].speed = speeds[i];
  result.int8 = stream_program(programs[1], 1);
  return result;
}

}  // namespace octet::zoo
