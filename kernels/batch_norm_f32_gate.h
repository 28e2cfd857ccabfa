// The gate of batch_norm_f32 as an interval.
//
// Every condition on v (above lo, rounded to at least quant_min, ...) is monotone in v. So the
// values that pass are those from a first to a last float, both found by bisection with the
// conditions as they are specified: exact, and in the loops two comparisons are left of it all.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/batch_norm_f32.h"

namespace octet::kernels::batch_norm_f32 {

// v passes when first <= v <= last. Nothing does when first is NaN.
struct Interval {
  float first, last;
};

namespace gate {

// Floats numbered in ascending order, zeros of both signs 0.
inline int64_t number_of(float v) {
  const auto bits = std::bit_cast<int32_t>(v);
  return bits < 0 ? int64_t{std::numeric_limits<int32_t>::min()} - bits : bits;
}
inline float float_of(int64_t number) {
  const auto magnitude = static_cast<uint32_t>(number < 0 ? -number : number);
  return std::bit_cast<float>(number < 0 ? magnitude | 0x80000000u : magnitude);
}

constexpr float kInf = std::numeric_limits<float>::infinity();

// The number of the first float in [-inf, inf] for which `holds`; that of a NaN when there is none.
// holds: false, then true from some float on.
template <class Predicate>
int64_t first_number(const Predicate& holds) {
  int64_t low = number_of(-kInf), high = number_of(kInf) + 1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (holds(float_of(middle)))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace gate

inline Interval passing(const Gate& g) {
  const float inv_scale = g.quantize ? 1.0f / g.quantize->scale : 0.0f;
  const int32_t zero_point = g.quantize ? g.quantize->zero_point : 0;
  const float least = g.quantize ? static_cast<float>(g.quantize->quant_min - zero_point) : 0.0f;
  const float greatest = g.quantize ? static_cast<float>(g.quantize->quant_max - zero_point) : 0.0f;
  const int64_t first = gate::first_number([&](float v) {
    return v > g.affine.lo && (!g.quantize || std::nearbyintf(v * inv_scale) >= least);
  });
  const int64_t beyond = gate::first_number([&](float v) {
    return !(v < g.affine.hi && (!g.quantize || std::nearbyintf(v * inv_scale) <= greatest));
  });
  // An upper bound of -inf would leave a number below all floats, which is no float either.
  return {gate::float_of(first), gate::float_of(beyond - 1)};
}

}  // namespace octet::kernels::batch_norm_f32
