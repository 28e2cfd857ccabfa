#include "quant/observers/range.h"

#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace octet::quant {
namespace {

// Independent running results: a compiler may not reorder a float minimum into vectors by itself.
constexpr size_t kLanes = 16;

[[noreturn]] void fail_at_first_bad(std::span<const float> values, size_t first_element) {
  size_t i = 0;
  while (std::isfinite(values[i])) ++i;
  fail("observer: input holds ",
       std::isnan(values[i]) ? "NaN" : (values[i] > 0 ? "infinity" : "-infinity"), " at element ",
       first_element + i);
}

}  // namespace

ValueRange find_range(std::span<const float> values, size_t first_element) {
  float min[kLanes], max[kLanes];
  uint32_t nan[kLanes] = {};
  for (size_t j = 0; j < kLanes; ++j) {
    min[j] = ValueRange{}.min;
    max[j] = ValueRange{}.max;
  }
  const auto take = [&](size_t j, float x) {
    min[j] = x < min[j] ? x : min[j];
    max[j] = x > max[j] ? x : max[j];
    nan[j] |= x != x;
  };
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) take(j, values[i + j]);
  for (size_t i = whole; i < values.size(); ++i) take(i - whole, values[i]);

  ValueRange range;
  bool bad = false;
  for (size_t j = 0; j < kLanes; ++j) {
    range = merge(range, {min[j], max[j]});
    bad = bad || nan[j] != 0;
  }
  if (values.empty()) return range;
  if (bad || std::isinf(range.min) || std::isinf(range.max))
    fail_at_first_bad(values, first_element);
  return range;
}

}  // namespace octet::quant
