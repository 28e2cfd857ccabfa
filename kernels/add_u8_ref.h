// add_u8, the specification: add_u8.h in scalar code.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/add_u8.h"

namespace octet::kernels::ref::add_u8 {

using kernels::add_u8::Params;

inline void set_scales(Params& params, float s_a, float s_b, float s_y) {
  const float a = s_a / s_y;
  const float b = s_b / s_y;
  // Multiplying by a power of two is exact, so each multiplier is rounded once.
  const auto multiplier = [](float ratio, int32_t shift) {
    return std::nearbyintf(ratio * static_cast<float>(1 << shift));
  };
  int32_t shift = 22;
  while (shift > 1 && std::max(multiplier(a, shift), multiplier(b, shift)) >= 32768.0f) --shift;
  params.shift = shift;
  params.a_multiplier = static_cast<int32_t>(multiplier(a, shift));
  params.b_multiplier = static_cast<int32_t>(multiplier(b, shift));
}

inline uint8_t add(const Params& params, uint8_t a, uint8_t b) {
  const int32_t sum = (a - params.a_zero_point) * params.a_multiplier +
                      (b - params.b_zero_point) * params.b_multiplier + (1 << (params.shift - 1));
  const OutputRange& range = params.range;
  return static_cast<uint8_t>(
      std::clamp((sum >> params.shift) + range.zero_point, range.quant_min, range.quant_max));
}

inline void run(const Params& params, const uint8_t* a, const uint8_t* b, uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = add(params, a[i], b[i]);
}

}  // namespace octet::kernels::ref::add_u8
