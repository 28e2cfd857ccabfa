#include "zoo/quantize_job.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "engine/format.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "zoo/progress.h"
#include "zoo/quantize_workflows.h"
#include "zoo/table.h"
#include "zoo/weight_scales.h"

namespace octet::zoo {
namespace {

constexpr size_t kNamedLayers = 5;     // in one remark
constexpr double kAlarmingLoss = 3.0;  // points of top-1

// A program that is ready to run, and the size of its file.
struct Engine {
  ModelPtr model;
  size_t file_bytes;
};

Engine create_engine(engine::Program program) {
  const auto bytes = engine::serialize(program);
  OCTET_CHECK(bytes, "the model can't be written: ", bytes.why());
  return {create_model(std::move(program)), bytes->size()};
}

void add_metadata(const QuantizeJob& job, engine::Program& program) {
  program.set_metadata("model", job.model_name);
  write_metadata(job.data->preprocessing(), program);
  if (!job.classes.empty()) write_classes(job.classes, program);
}

Accuracy accuracy_of(const Predictions& predictions) {
  const double hundredth = static_cast<double>(predictions.size()) / 100;
  return {static_cast<double>(count_top(predictions, 1)) / hundredth,
          static_cast<double>(count_top(predictions, 5)) / hundredth};
}

ModelFigures figures_of(const QuantizeJob& job, std::string name, const Engine& engine,
                        const Predictions& all, const Predictions& evaluated) {
  ModelFigures figures;
  figures.name = std::move(name);
  if (job.has_labels) {
    figures.accuracy = accuracy_of(evaluated);
    figures.accuracy_on_all = accuracy_of(all);
  }
  figures.file_bytes = engine.file_bytes;
  figures.peak_activation_bytes = engine.model->peak_activation_bytes();
  return figures;
}

Predictions predict_all(const std::string& what, const ModelPtr& model, const QuantizeJob& job,
                        ParallelFor& pool) {
  std::vector<size_t> indices = job.evaluation;
  indices.insert(indices.end(), job.calibration.begin(), job.calibration.end());
  std::sort(indices.begin(), indices.end());
  Progress progress(what, indices.size());
  return predict(model, *job.data, indices, pool, progress);
}

// A file may hold any model; labels must be among its classes.
void check_fits(const engine::Model& model, const QuantizeJob& job) {
  const engine::Program& program = model.program();
  const int64_t side = job.data->preprocessing().crop;
  const Shape input{1, side, side, 3};
  OCTET_CHECK(program.inputs.size() == 1 && program.outputs.size() == 1 &&
                  program.values[program.inputs[0]].shape == input &&
                  program.values[program.inputs[0]].dtype == DType::f32 &&
                  program.values[program.outputs[0]].shape.rank() == 2 &&
                  program.values[program.outputs[0]].dtype == DType::f32,
              job.file, ": the model does not take f32 ", input.text(),
              " and give f32 [1, classes]");
  OCTET_CHECK(
      program.find_metadata("preprocess.crop") == nullptr ||
          read_metadata(program) == job.data->preprocessing(),
      job.file,
      ": the model was made for images that are prepared otherwise "
      "(`octet inspect` lists its preprocess.*), so that the figures would be wrong; `octet "
      "eval` prepares them as the file says");
  const int64_t classes = program.values[program.outputs[0]].shape[1];
  for (size_t i = 0; i < job.data->size(); ++i)
    OCTET_CHECK(job.data->label(i) < classes, "the model has ", classes,
                " classes, an image has label ", job.data->label(i));
}

// Layers that have one note in common share a line.
void add_remarks(const Int8Model& model, ModelFigures& figures, std::vector<std::string>& remarks) {
  std::map<std::string, std::vector<std::string>> by_note;
  for (const quant::LayerReport& layer : model.layers) {
    ++figures.layers;
    figures.quantized_layers += layer.quantized;
    if (!layer.note.empty()) by_note[layer.note].push_back(layer.name + " (" + layer.op + ")");
  }
  for (const auto& [note, names] : by_note) {
    std::string line;
    for (size_t i = 0; i < std::min(kNamedLayers, names.size()); ++i)
      line += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > kNamedLayers)
      line += " and " + std::to_string(names.size() - kNamedLayers) + " more layers";
    remarks.push_back(line + ": " + note);
  }
}

// The user should not have to find out.
void warn_of_loss(const QuantizeReport& report, const ModelFigures& int8,
                  std::vector<std::string>& remarks) {
  if (!report.has_float || !int8.accuracy) return;
  const double lost = report.float_model.accuracy->top1 - int8.accuracy->top1;
  if (lost < kAlarmingLoss) return;
  remarks.push_back(int8.name + ": top-1 is " + fixed(lost, 2) + " points below float" +
                    (int8.has_qconfig && report.qconfig == "qnnpack"
                         ? "; a scale per output channel (--qconfig=x86) "
                           "usually loses less"
                         : "") +
                    "; --report=FILE.html shows which layers lose it, --min-sqnr=DB of "
                    "--workflow=static keeps them in float");
}

// One run of a job: each model in turn, float first, then how fast all of them are.
class JobRun {
 public:
  JobRun(QuantizeJob& job, ParallelFor& pool) : job_(job), pool_(pool) {
    report_.model = job.model_name;
    report_.weights = job.weights;
    report_.target = kernels::current_target().name;
    report_.threads = pool.threads();
    report_.has_float = job.model != nullptr;
    result_.remarks = job.remarks;
  }

  QuantizeResult run() {
    if (report_.has_float) run_float();
    for (const Workflow workflow : job_.workflows) run_workflow(workflow);
    add_latencies();
    return std::move(result_);
  }

 private:
  void run_float() {
    job_.model->eval();
    engine::Program program = nn::lower(nn::trace(*job_.model, example_of(*job_.data)));
    add_metadata(job_, program);
    result_.float_program = program;
    report_.float_model = measure("float", std::move(program));
  }

  void run_workflow(Workflow workflow) {
    const WorkflowEntry& way = entry_of(workflow);
    const bool is_file = workflow == Workflow::pretrained;
    const bool has_metadata = is_file && !job_.quantizable;
    Int8Model int8 = way.run(job_, pool_);
    report_.calibration_images = std::max(report_.calibration_images, int8.calibration_images);
    if (!has_metadata) add_metadata(job_, int8.program);
    if (report_.int8_models.empty()) {
      result_.int8 = int8.program;
      report_.layers = int8.layers;
      report_.sensitivities = int8.sensitivities;
      report_.speed = int8.speed;
    }
    const char* scales = granularity_of(int8.program);
    ModelFigures figures =
        measure(is_file ? job_.file_column.c_str() : way.column, std::move(int8.program));
    figures.weight_scales = scales ? scales : "";
    figures.has_qconfig = way.has_qconfig;
    if (way.has_qconfig) report_.qconfig = job_.qconfig;
    add_remarks(int8, figures, result_.remarks);
    warn_of_loss(report_, figures, result_.remarks);
    report_.int8_models.push_back(std::move(figures));
  }

  ModelFigures measure(const char* column, engine::Program program) {
    const Engine engine = create_engine(std::move(program));
    check_fits(*engine.model, job_);
    const Predictions all = predict_all(column, engine.model, job_, pool_);
    const Predictions evaluated = select(all, job_.evaluation);
    if (models_.empty()) count_images(all, evaluated);
    models_.push_back(engine.model);
    ModelFigures figures = figures_of(job_, column, engine, all, evaluated);
    figures.hash = hash_of(evaluated);
    if (models_.size() == 1 && report_.has_float)
      float_evaluated_ = evaluated;
    else if (report_.has_float)
      compare_with_float(evaluated, figures);
    return figures;
  }

  // What is the same for every model: the images that could be decoded.
  void count_images(const Predictions& all, const Predictions& evaluated) {
    OCTET_CHECK(evaluated.size() > 0, "none of the ", job_.evaluation.size(),
                " images could be decoded: ", all.skipped.reasons.at(0));
    report_.images = evaluated.size();
    report_.all_images = all.size();
    report_.skipped_images = all.skipped.indices.size();
    for (const std::string& reason : all.skipped.reasons)
      result_.remarks.push_back("skipped: " + reason);
  }

  void compare_with_float(const Predictions& evaluated, ModelFigures& figures) const {
    figures.agreement = 100.0 * static_cast<double>(count_agreements(float_evaluated_, evaluated)) /
                        static_cast<double>(report_.images);
    figures.logits_sqnr = sqnr_db(float_evaluated_.logits, evaluated.logits);
  }

  void add_latencies() {
    Progress progress("latency", models_.size() * kLatencyRuns);
    std::vector<Latency> latencies = measure_latency(models_, pool_, progress);
    if (report_.has_float) {
      report_.float_model.latency = latencies[0];
      latencies.erase(latencies.begin());
    }
    for (size_t i = 0; i < latencies.size(); ++i) report_.int8_models[i].latency = latencies[i];
  }

  QuantizeJob& job_;
  ParallelFor& pool_;
  QuantizeResult result_;
  QuantizeReport& report_ = result_.report;
  std::vector<ModelPtr> models_;  // measured so far
  Predictions float_evaluated_;
};

}  // namespace

QuantizeResult run_quantize_job(QuantizeJob& job, ParallelFor& pool) {
  return JobRun(job, pool).run();
}

}  // namespace octet::zoo
