// The steps of `octet quantize`: a model and images become an int8 program and a report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/program.h"
#include "nn/module.h"
#include "zoo/dataset.h"
#include "zoo/layer_times.h"
#include "zoo/quantize_report.h"
#include "zoo/trainer.h"

namespace octet::zoo {

// A way to an int8 model; the table of them is in quantize_workflows.cc.
enum class Workflow {
  static_,     // calibrated on images
  dynamic,     // linear layers alone, their inputs quantized as they come
  qat,         // fine-tuned with quantization
  pretrained,  // a file of an int8 model
};
// The workflow of that name: static, dynamic, qat, pretrained. Throws octet::Error.
Workflow find_workflow(const std::string& name);

struct QuantizeJob {
  std::string model_name;
  std::string weights;                          // for the report
  std::unique_ptr<nn::Module> model = nullptr;  // float; null where only a file is evaluated
  std::unique_ptr<Dataset> data = nullptr;
  std::vector<size_t> calibration = {}, evaluation = {};  // indices in data, sorted, none in both
  std::vector<std::string> classes = {};  // their names, for the file; empty: not known
  bool has_labels = true;                 // else no accuracy is reported
  std::string qconfig;
  // Of static. Modules that stay float, with all below them; the least SQNR of the logits in dB
  // that layers are kept in float for, the most sensitive first; whether to measure each one's
  // sensitivity in any case (quant/sensitivity.h, on calibration images); whether to equalize
  // channels (quant/equalize.h).
  std::vector<std::string> keep_float = {};
  std::optional<double> min_sqnr = {};
  bool measure_sensitivity = false;
  bool equalize = true;
  // Whether, and by which times, layers that are faster in float stay so.
  std::optional<SpeedPreference> prefer_speed = {};
  std::vector<Workflow> workflows = {Workflow::static_};
  // Of qat: what to train on (null: the calibration images), and how.
  std::unique_ptr<Dataset> training = nullptr;
  TrainOptions train = {};
  // Of pretrained: an .octet file, or, where `quantizable` is the network that it is of, a
  // quantized state dict (quant/load_quantized.h).
  std::string file = {};
  std::unique_ptr<nn::Module> quantizable = nullptr;
  std::string file_column = "int8 file";  // its name in the report
  std::vector<std::string> remarks = {};  // on what was given, the first of the result's
};

struct QuantizeResult {
  QuantizeReport report;
  engine::Program int8;              // of the first workflow, with metadata
  engine::Program float_program;     // where the job has a model, with metadata
  std::vector<std::string> remarks;  // the job's; skipped images, layers in float, accuracy lost
};

// Throws octet::Error, and Interrupted after Ctrl-C.
QuantizeResult run_quantize_job(QuantizeJob& job, ParallelFor& pool);

}  // namespace octet::zoo
