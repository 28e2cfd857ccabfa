// quantize_page: what `octet quantize` found out as one page of HTML that needs no other file: the
// figures, and for each layer what it loses by being int8, what it takes, and why it stayed float.
#pragma once

#include <string>
#include <vector>

#include "zoo/commands/comparison.h"
#include "zoo/commands/measurement.h"
#include "zoo/quantize_report.h"

namespace octet::zoo {

// Float and int8 side by side; layers are found by their names.
struct LayerStudy {
  Comparison comparison;                // float as a
  Measurement float_times, int8_times;  // batch 1
};

std::string to_html(const QuantizeReport& report, const LayerStudy& study,
                    const std::vector<std::string>& remarks);

}  // namespace octet::zoo
