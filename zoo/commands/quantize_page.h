// quantize_page: what `octet quantize` found out as one page of HTML that needs no other file: the
// figures, and for each layer what it loses by being int8, what it takes, and why it stayed float.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zoo/commands/comparison.h"
#include "zoo/commands/measurement.h"
#include "zoo/quantize_report.h"

namespace octet::zoo {

// Both models measured here, batch 1.
struct MeasuredModels {
  Measurement float_times, int8_times;
};

// Float and int8 side by side; layers are found by their names.
struct LayerStudy {
  Comparison comparison;  // float as a
  // None where the report has a choice by speed: the page shows the times that it was made by, and
  // others beside them would contradict it.
  std::optional<MeasuredModels> measured;
};

std::string to_html(const QuantizeReport& report, const LayerStudy& study,
                    const std::vector<std::string>& remarks);

}  // namespace octet::zoo
