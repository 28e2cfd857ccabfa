// range: the least and the greatest of many values, the work that all observers begin with.
#pragma once

#include <limits>
#include <span>
#include <vector>

namespace octet::quant {

// [min, max]; as constructed it holds nothing, and merging with it changes nothing.
struct ValueRange {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();

  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

inline ValueRange merge(const ValueRange& a, const ValueRange& b) {
  return {b.min < a.min ? b.min : a.min, b.max > a.max ? b.max : a.max};
}

// Both ends moved from a towards b by a fraction, in f32: m + fraction * (b - m).
inline ValueRange move_towards(const ValueRange& a, const ValueRange& b, float fraction) {
  return {a.min + fraction * (b.min - a.min), a.max + fraction * (b.max - a.max)};
}

// Throws octet::Error that names the first value that is NaN or infinite and its place.
// `first_element`: the index of values[0] in its tensor, for that message.
ValueRange find_range(std::span<const float> values, size_t first_element = 0);

}  // namespace octet::quant
