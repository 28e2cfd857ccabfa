#include "quant/observers/moving_average_min_max.h"

namespace octet::quant {

void MovingAverageMinMaxObserver::update(const Tensor& x) {
  const ValueRange current = find_range(x.values<float>());
  update_ranges({&current, 1});
}

void MovingAverageMinMaxObserver::update_ranges(std::span<const ValueRange> ranges) {
  ranges_ = {never_observed() ? ranges[0]
                              : move_towards(ranges_[0], ranges[0], averaging_constant_)};
}

}  // namespace octet::quant
