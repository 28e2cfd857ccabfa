#include "quant/observers/min_max.h"

namespace octet::quant {

void MinMaxObserver::update(const Tensor& x) {
  const ValueRange current = find_range(x.values<float>());
  update_ranges({&current, 1});
}

void MinMaxObserver::update_ranges(std::span<const ValueRange> ranges) {
  ranges_ = {never_observed() ? ranges[0] : merge(ranges_[0], ranges[0])};
}

}  // namespace octet::quant
