#include "quant/observers/moving_average_min_max.h"

namespace octet::quant {

void MovingAverageMinMaxObserver::update(const Tensor& x) {
  const ValueRange current = find_range(x.values<float>());
  ranges_ = {never_observed() ? current : move_towards(ranges_[0], current, averaging_constant_)};
}

}  // namespace octet::quant
