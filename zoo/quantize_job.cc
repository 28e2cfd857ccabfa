#include "zoo/quantize_job.h"

#include <algorithm>

#include "base/error.h"
#include "engine/format.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "quant/convert.h"
#include "quant/equalize.h"
#include "quant/prepare.h"
#include "quant/qconfig.h"
#include "zoo/progress.h"

namespace octet::zoo {
namespace {

constexpr size_t kCalibrationBatch = 8;

// A program that is ready to run, and the size of its file.
struct Engine {
  ModelPtr model;
  size_t file_bytes;
};

Engine create_engine(engine::Program program) {
  const auto bytes = engine::serialize(program);
  OCTET_CHECK(bytes, "the model can't be written: ", bytes.why());
  auto model = engine::Model::create(std::move(program));
  OCTET_CHECK(model, "the model can't run: ", model.why());
  return {*model, bytes->size()};
}

void add_metadata(const QuantizeJob& job, engine::Program& program) {
  program.set_metadata("model", job.model_name);
  write_metadata(job.data->preprocessing(), program);
}

Tensor example_of(const Dataset& data) {
  const int64_t side = data.preprocessing().crop;
  return Tensor::zeros({1, side, side, 3});
}

// Shows the calibration images to the prepared model's observers; returns how many were good.
size_t observe(const char* what, quant::PreparedModel& prepared, const QuantizeJob& job,
               ParallelFor& pool) {
  const Preprocessing& how = job.data->preprocessing();
  Progress progress(what, job.calibration.size());
  size_t images = 0;
  const auto use = [&](const Batch& batch) {
    const auto count = static_cast<int64_t>(batch.indices.size());
    const std::span pixels(batch.pixels, batch.indices.size() * how.elements());
    prepared(Tensor::from<float>({count, how.crop, how.crop, 3}, pixels));
    images += batch.indices.size();
  };
  for_each_batch(*job.data, job.calibration, kCalibrationBatch, pool, progress, use);
  OCTET_CHECK(images > 0, "none of the ", job.calibration.size(),
              " calibration images could be decoded");
  return images;
}

// Twice over the images: equalization needs the sizes of channels, and gives values new ranges.
size_t calibrate(quant::PreparedModel& prepared, const QuantizeJob& job, ParallelFor& pool) {
  const size_t images = observe("calibration", prepared, job, pool);
  if (quant::equalize(prepared) > 0) observe("second calibration", prepared, job, pool);
  return images;
}

Accuracy accuracy_of(const Predictions& predictions) {
  const double hundredth = static_cast<double>(predictions.size()) / 100;
  return {static_cast<double>(count_top(predictions, 1)) / hundredth,
          static_cast<double>(count_top(predictions, 5)) / hundredth};
}

ModelFigures figures_of(const QuantizeJob& job, const Engine& engine, const Predictions& all,
                        const Predictions& evaluated) {
  ModelFigures figures;
  if (job.has_labels) {
    figures.accuracy = accuracy_of(evaluated);
    figures.accuracy_on_all = accuracy_of(all);
  }
  figures.file_bytes = engine.file_bytes;
  figures.peak_activation_bytes = engine.model->peak_activation_bytes();
  return figures;
}

Predictions predict_all(const char* what, const ModelPtr& model, const QuantizeJob& job,
                        ParallelFor& pool) {
  std::vector<size_t> indices = job.evaluation;
  indices.insert(indices.end(), job.calibration.begin(), job.calibration.end());
  std::sort(indices.begin(), indices.end());
  Progress progress(what, indices.size());
  return predict(model, *job.data, indices, pool, progress);
}

}  // namespace

QuantizeResult run_quantize_job(QuantizeJob& job, ParallelFor& pool) {
  QuantizeResult result;
  QuantizeReport& report = result.report;
  const Tensor example = example_of(*job.data);
  job.model->eval();

  engine::Program float_program = nn::lower(nn::trace(*job.model, example));
  add_metadata(job, float_program);
  const Engine float_engine = create_engine(std::move(float_program));
  const Predictions float_all = predict_all("float", float_engine.model, job, pool);
  const Predictions float_evaluated = select(float_all, job.evaluation);
  OCTET_CHECK(float_evaluated.size() > 0, "none of the ", job.evaluation.size(),
              " images could be decoded: ", float_all.skipped.reasons.at(0));

  const auto prepared =
      quant::prepare(*job.model, example, quant::get_default_qconfig_mapping(job.qconfig));
  report.calibration_images = calibrate(*prepared, job, pool);
  quant::Conversion conversion = quant::convert(*prepared);
  add_metadata(job, conversion.program);
  result.int8 = conversion.program;
  const Engine int8_engine = create_engine(std::move(conversion.program));
  const Predictions int8_all = predict_all("int8", int8_engine.model, job, pool);
  const Predictions int8_evaluated = select(int8_all, job.evaluation);

  report.model = job.model_name;
  report.weights = job.weights;
  report.qconfig = job.qconfig;
  report.target = kernels::current_target().name;
  report.threads = pool.threads();
  report.images = float_evaluated.size();
  report.all_images = float_all.size();
  report.skipped_images = float_all.skipped.indices.size();
  report.hash = hash_of(int8_evaluated);
  report.agreement = 100.0 *
                     static_cast<double>(count_agreements(float_evaluated, int8_evaluated)) /
                     static_cast<double>(report.images);
  report.logits_sqnr = sqnr_db(float_evaluated.logits, int8_evaluated.logits);
  report.float_model = figures_of(job, float_engine, float_all, float_evaluated);
  report.int8_model = figures_of(job, int8_engine, int8_all, int8_evaluated);

  Progress progress("latency", 2 * kLatencyRuns);
  const auto latencies = measure_latency({float_engine.model, int8_engine.model}, pool, progress);
  report.float_model.latency = latencies[0];
  report.int8_model.latency = latencies[1];

  for (const std::string& reason : float_all.skipped.reasons) {
    result.remarks.push_back("skipped: " + reason);
  }
  for (const quant::LayerReport& layer : conversion.layers) {
    ++report.layers;
    report.quantized_layers += layer.quantized;
    if (!layer.note.empty()) {
      result.remarks.push_back(layer.name + " (" + layer.op + "): " + layer.note);
    }
  }
  return result;
}

}  // namespace octet::zoo
