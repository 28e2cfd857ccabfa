#include "zoo/quantize_workflows.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/format.h"
#include "nn/graph.h"
#include "quant/prepare.h"
#include "quant/qconfig.h"
#include "quant/quantize_dynamic.h"
#include "zoo/calibrate.h"
#include "zoo/logits_score.h"
#include "zoo/progress.h"
#include "zoo/quantized_weights.h"

namespace octet::zoo {
namespace {

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

constexpr WorkflowEntry kWorkflows[] = {
    // In the order of Workflow.
    {"static", "int8 static", true, convert_static},
    {"dynamic", "int8 dynamic", false, convert_dynamic},
    {"qat", "int8 QAT", true, convert_qat},
    {"pretrained", "int8 file", false, load_pretrained},
};

}  // namespace

Tensor example_of(const Dataset& data) {
  const int64_t side = data.preprocessing().crop;
  return Tensor::zeros({1, side, side, 3});
}

const WorkflowEntry& entry_of(Workflow workflow) {
  return kWorkflows[static_cast<size_t>(workflow)];
}

Workflow find_workflow(const std::string& name) {
  std::string names;
  for (size_t i = 0; i < std::size(kWorkflows); ++i) {
    if (name == kWorkflows[i].name) return static_cast<Workflow>(i);
    names += (names.empty() ? "" : ", ") + std::string(kWorkflows[i].name);
  }
  fail("there is no workflow '", name, "'; there are: ", names);
}

}  // namespace octet::zoo
