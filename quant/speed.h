// speed: layers whose int8 form is slower than float, conversions at their borders included, stay
// in float: mixed precision by time, as sensitivity.h is by what is lost.
//
//   const auto choice = quant::keep_float_where_faster(*prepared, timer, "faster in float");
//   engine::Program program = quant::convert(*prepared).program;
//
// Times come from a timer that the caller gives, measured on some machine or estimated
// (kernels/cost.h): so the program depends on the timer, and on nothing else.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/program.h"
#include "quant/form_choice.h"
#include "quant/prepare.h"

namespace octet::quant {

// Seconds of every instruction of a program, batch 1, in its order: finite and >= 0.
using Timer = std::function<std::vector<double>(const engine::Program& program)>;

struct LayerTimes {
  std::string name;                    // module path
  std::string op;                      // "conv2d"
  double float_seconds, int8_seconds;  // without conversions
  bool is_int8;                        // as it is now
};

struct SpeedChoice {
  // Layers that could be either, in the order of execution.
  std::vector<LayerTimes> layers;
  // Sums of all instructions: as it was before, and now.
  double seconds_before = 0, seconds = 0;
};

// The table of a prepared model, which is left as it was: one layer for each group that can be in
// either form, with those behind it that keep qparams (pooling). Asks the timer for the model as it
// is, for one with all layers in float that could be, and for conversions alone. layer_of: by
// group, its index in the table.
struct PreparedTimes {
  TimeTable table;
  std::vector<size_t> layer_of;
};
// Throws octet::Error as convert().
PreparedTimes time_layers(PreparedModel& prepared, const Timer& timer);

// Chooses as choose_int8() (form_choice.h) for a float form that counts as 5 % slower than it is:
// what makes no difference stays int8, a quarter of the bytes. Layers that are in float already
// stay so. why: the layers' note (LayerReport).
SpeedChoice keep_float_where_faster(PreparedModel& prepared, const Timer& timer,
                                    const std::string& why);

}  // namespace octet::quant
