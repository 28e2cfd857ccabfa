// The value in the middle.
#pragma once

#include <algorithm>
#include <vector>

namespace octet {

// Of an even number of values, the mean of the two in the middle. At least one.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

}  // namespace octet
