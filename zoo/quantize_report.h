// What `octet quantize` found out, as a table for people and as JSON for machines.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quant/convert.h"
#include "quant/sensitivity.h"
#include "zoo/evaluate.h"
#include "zoo/layer_times.h"

namespace octet::zoo {

// Percent of the images.
struct Accuracy {
  double top1, top5;
};

struct ModelFigures {
  std::string name;                  // "float", "int8 static"
  std::optional<Accuracy> accuracy;  // on the images that were not calibrated on
  std::optional<Accuracy> accuracy_on_all;
  size_t file_bytes = 0;
  Latency latency = {};
  size_t peak_activation_bytes = 0;
  // Of int8 models.
  std::string hash;        // of the logits
  double agreement = 0;    // percent of images whose best class is the same as in float
  double logits_sqnr = 0;  // against float, dB
  size_t layers = 0, quantized_layers = 0;  // 0: not known, a model from a file
  bool has_qconfig = false;                 // else what it is decides on its scales
  std::string weight_scales;                // "per channel", "per tensor"; empty: no s8 weights
};

struct QuantizeReport {
  std::string model;
  std::string weights;  // where they are from
  std::string qconfig;  // of the models that have one; empty: none has
  std::string target;   // instruction set
  unsigned threads = 1;
  size_t images = 0, all_images = 0;  // evaluated; these and the calibration's
  size_t calibration_images = 0;
  size_t skipped_images = 0;
  bool has_float = true;  // else there is nothing to compare with: a model from a file alone
  ModelFigures float_model;
  std::vector<ModelFigures> int8_models;  // one per workflow, at least one
  // Of the first of them: what became of each layer, where it was converted here, and the SQNR of
  // the logits with a layer alone in int8, where that was asked for.
  std::vector<quant::LayerReport> layers;
  std::vector<quant::LayerSensitivity> sensitivities;
  std::optional<PreferredSpeed> speed;  // where that was asked for

  const ModelFigures& int8_model() const { return int8_models.front(); }
};

// Float time by int8 time, of the fastest runs.
double speed_up(const QuantizeReport& report, const ModelFigures& int8);

// The figures as rows of a table, names first.
std::vector<std::vector<std::string>> figure_rows(const QuantizeReport& report);
// What they are about: names and values.
std::vector<std::pair<std::string, std::string>> circumstances(const QuantizeReport& report);

std::string to_text(const QuantizeReport& report);
std::string to_json(const QuantizeReport& report);

}  // namespace octet::zoo
