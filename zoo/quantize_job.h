// The steps of mobilenet_quantize: a model and images become an int8 program and a report.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/program.h"
#include "nn/module.h"
#include "zoo/dataset.h"
#include "zoo/quantize_report.h"

namespace octet::zoo {

struct QuantizeJob {
  std::string model_name;
  std::string weights;  // for the report
  std::unique_ptr<nn::Module> model = nullptr;
  std::unique_ptr<Dataset> data = nullptr;
  std::vector<size_t> calibration = {}, evaluation = {};  // indices in data, sorted, none in both
  bool has_labels = true;                                 // else no accuracy is reported
  std::string qconfig;
};

struct QuantizeResult {
  QuantizeReport report;
  engine::Program int8;              // with metadata
  std::vector<std::string> remarks;  // skipped images, layers left in float
};

// Throws octet::Error, and Interrupted after Ctrl-C.
QuantizeResult run_quantize_job(QuantizeJob& job, ParallelFor& pool);

}  // namespace octet::zoo
