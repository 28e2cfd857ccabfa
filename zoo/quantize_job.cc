#include "zoo/quantize_job.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "engine/format.h"
#include "kernels/target.h"
#include "nn/graph.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "quant/qconfig.h"
#include "quant/quantize_dynamic.h"
#include "zoo/calibrate.h"
#include "zoo/logits_score.h"
#include "zoo/progress.h"
#include "zoo/quantized_weights.h"
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

Tensor example_of(const Dataset& data) {
  const int64_t side = data.preprocessing().crop;
  return Tensor::zeros({1, side, side, 3});
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

// What a workflow ends with; layers are known where it converted the model itself.
struct Int8Model {
  engine::Program program;
  std::vector<quant::LayerReport> layers = {};
  size_t calibration_images = 0;
  std::vector<quant::LayerSensitivity> sensitivities = {};
  std::optional<PreferredSpeed> speed = {};
};

void check_keep_float(const QuantizeJob& job, const nn::Graph& graph) {
  for (const std::string& name : job.keep_float)
    OCTET_CHECK(std::any_of(graph.nodes.begin(), graph.nodes.end(),
                            [&](const nn::GraphNode& node) {
                              return node.path == name || node.path.starts_with(name + ".");
                            }),
                "to be kept in float: ", job.model_name, " has no module '", name,
                "'; the last is '", graph.nodes.back().path, "'");
}

// Each layer's sensitivity; keeps as many layers in float as the job asks for.
std::vector<quant::LayerSensitivity> study(quant::PreparedModel& prepared, const QuantizeJob& job,
                                           ParallelFor& pool) {
  const LogitsScore score(nn::lower(prepared.graph()), *job.data, job.calibration, pool);
  std::vector<quant::LayerSensitivity> layers;
  {
    Progress progress("sensitivity", std::max<size_t>(1, quant::list_layers(prepared).size()));
    layers = quant::measure_sensitivity(prepared, [&](engine::Program program) {
      progress.step();
      return score(std::move(program));
    });
  }
  if (job.min_sqnr) quant::keep_float_until(prepared, layers, score, *job.min_sqnr);
  return layers;
}

Int8Model convert_static(QuantizeJob& job, ParallelFor& pool) {
  quant::QConfigMapping mapping = quant::get_default_qconfig_mapping(job.qconfig);
  for (const std::string& name : job.keep_float) mapping.set_module_name(name, std::nullopt);
  const auto prepared = quant::prepare(*job.model, example_of(*job.data), mapping);
  check_keep_float(job, prepared->graph());
  Int8Model result;
  result.calibration_images = calibrate(*prepared, *job.data, job.calibration, job.equalize, pool);
  if (job.measure_sensitivity || job.min_sqnr) result.sensitivities = study(*prepared, job, pool);
  if (job.prefer_speed) result.speed = prefer_speed(*prepared, *job.prefer_speed, pool);
  quant::Conversion conversion = quant::convert(*prepared);
  result.program = std::move(conversion.program);
  result.layers = std::move(conversion.layers);
  return result;
}

Int8Model convert_dynamic(QuantizeJob& job, ParallelFor&) {
  quant::Conversion conversion =
      quant::quantize_dynamic(*job.model, example_of(*job.data), {"linear"});
  return {std::move(conversion.program), std::move(conversion.layers)};
}

// The float model keeps its weights.
Int8Model convert_qat(QuantizeJob& job, ParallelFor&) {
  OCTET_CHECK(job.has_labels, "quantization-aware training needs labels");
  const Subset calibration(*job.data, job.calibration);
  const Dataset* training = job.training ? job.training.get() : &calibration;
  TrainOptions options = job.train;
  options.qat = true;
  options.qconfig = job.qconfig;
  options.equalize = job.equalize;
  options.batch_size = std::min(options.batch_size, training->size());
  const StateDict before = job.model->state_dict();
  Trainer trainer({.model = *job.model, .train = *training, .calibration = &calibration}, options);
  trainer.run([](const std::vector<EpochFigures>&) {});
  quant::Conversion conversion = quant::convert(*trainer.prepared());
  job.model->load_state_dict(before);
  job.model->eval();
  return {std::move(conversion.program), std::move(conversion.layers), job.calibration.size()};
}

Int8Model load_pretrained(QuantizeJob& job, ParallelFor&) {
  if (job.quantizable) {
    quant::Conversion conversion =
        load_quantized_weights(*job.quantizable, example_of(*job.data), job.file);
    return {std::move(conversion.program), std::move(conversion.layers)};
  }
  auto program = engine::load_program(job.file);
  OCTET_CHECK(program, program.why());
  return {std::move(*program)};
}

constexpr struct {
  const char* name;
  const char* column;
  bool has_qconfig;
  Int8Model (*run)(QuantizeJob& job, ParallelFor& pool);
} kWorkflows[] = {
    // In the order of Workflow.
    {"static", "int8 static", true, convert_static},
    {"dynamic", "int8 dynamic", false, convert_dynamic},
    {"qat", "int8 QAT", true, convert_qat},
    {"pretrained", "int8 file", false, load_pretrained},
};

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

}  // namespace

Workflow find_workflow(const std::string& name) {
  std::string names;
  for (size_t i = 0; i < std::size(kWorkflows); ++i) {
    if (name == kWorkflows[i].name) return static_cast<Workflow>(i);
    names += (names.empty() ? "" : ", ") + std::string(kWorkflows[i].name);
  }
  fail("there is no workflow '", name, "'; there are: ", names);
}

QuantizeResult run_quantize_job(QuantizeJob& job, ParallelFor& pool) {
  QuantizeResult result{.report = {}, .int8 = {}, .float_program = {}, .remarks = job.remarks};
  QuantizeReport& report = result.report;
  report.model = job.model_name;
  report.weights = job.weights;
  report.target = kernels::current_target().name;
  report.threads = pool.threads();
  report.has_float = job.model != nullptr;

  std::vector<ModelPtr> models;
  Predictions float_evaluated;
  // What is the same for every model: the images that could be decoded.
  const auto count_images = [&](const Predictions& all, const Predictions& evaluated) {
    OCTET_CHECK(evaluated.size() > 0, "none of the ", job.evaluation.size(),
                " images could be decoded: ", all.skipped.reasons.at(0));
    report.images = evaluated.size();
    report.all_images = all.size();
    report.skipped_images = all.skipped.indices.size();
  };
  const auto measure = [&](const char* column, engine::Program program) {
    const Engine engine = create_engine(std::move(program));
    check_fits(*engine.model, job);
    const Predictions all = predict_all(column, engine.model, job, pool);
    const Predictions evaluated = select(all, job.evaluation);
    if (models.empty()) {
      count_images(all, evaluated);
      for (const std::string& reason : all.skipped.reasons)
        result.remarks.push_back("skipped: " + reason);
    }
    models.push_back(engine.model);
    ModelFigures figures = figures_of(job, column, engine, all, evaluated);
    figures.hash = hash_of(evaluated);
    if (models.size() == 1 && report.has_float) {
      float_evaluated = evaluated;
    } else if (report.has_float) {
      figures.agreement = 100.0 *
                          static_cast<double>(count_agreements(float_evaluated, evaluated)) /
                          static_cast<double>(report.images);
      figures.logits_sqnr = sqnr_db(float_evaluated.logits, evaluated.logits);
    }
    return figures;
  };

  if (report.has_float) {
    job.model->eval();
    engine::Program program = nn::lower(nn::trace(*job.model, example_of(*job.data)));
    add_metadata(job, program);
    result.float_program = program;
    report.float_model = measure("float", std::move(program));
  }
  for (const Workflow workflow : job.workflows) {
    const auto& way = kWorkflows[static_cast<size_t>(workflow)];
    const bool is_file = workflow == Workflow::pretrained;
    const bool has_metadata = is_file && !job.quantizable;
    Int8Model int8 = way.run(job, pool);
    report.calibration_images = std::max(report.calibration_images, int8.calibration_images);
    if (!has_metadata) add_metadata(job, int8.program);
    if (report.int8_models.empty()) {
      result.int8 = int8.program;
      report.layers = int8.layers;
      report.sensitivities = int8.sensitivities;
      report.speed = int8.speed;
    }
    const char* scales = granularity_of(int8.program);
    ModelFigures figures =
        measure(is_file ? job.file_column.c_str() : way.column, std::move(int8.program));
    figures.weight_scales = scales ? scales : "";
    figures.has_qconfig = way.has_qconfig;
    if (way.has_qconfig) report.qconfig = job.qconfig;
    add_remarks(int8, figures, result.remarks);
    warn_of_loss(report, figures, result.remarks);
    report.int8_models.push_back(std::move(figures));
  }

  Progress progress("latency", models.size() * kLatencyRuns);
  std::vector<Latency> latencies = measure_latency(models, pool, progress);
  if (report.has_float) {
    report.float_model.latency = latencies[0];
    latencies.erase(latencies.begin());
  }
  for (size_t i = 0; i < latencies.size(); ++i) report.int8_models[i].latency = latencies[i];
  return result;
}

}  // namespace octet::zoo
