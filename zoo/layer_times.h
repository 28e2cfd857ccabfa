// layer_times: how long each layer of a program takes, measured here or estimated.
#pragma once

#include <string>
#include <vector>

#include "kernels/target.h"
#include "quant/speed.h"
#include "zoo/session.h"

namespace octet::zoo {

// Each layer's fastest time of several profiles of one session. An empty `layers` becomes `more`.
void keep_fastest(std::vector<engine::LayerProfile>& layers,
                  const std::vector<engine::LayerProfile>& more);

// Each layer's fastest of some fifty runs on zeros, on the current target, in the pool's threads.
// The pool must outlive it.
quant::Timer measured_times(ParallelFor& pool);

// What kernels/cost.h says for one core of the nominal rates: the same on every machine that has
// the target. Sets the target while it runs, so nothing else may.
quant::Timer estimated_times(const kernels::Target& target);

// What --prefer-speed asks for: layers that are faster in float, by times measured here or
// estimated for a target, stay float (quant/speed.h).
struct SpeedPreference {
  std::string target;  // empty: measured
};
struct PreferredSpeed {
  std::string basis;  // "measured on AVX3_VNNI, 2 threads", "estimated for AVX2"
  quant::SpeedChoice choice;
};
PreferredSpeed prefer_speed(quant::PreparedModel& prepared, const SpeedPreference& preference,
                            ParallelFor& pool);

}  // namespace octet::zoo
