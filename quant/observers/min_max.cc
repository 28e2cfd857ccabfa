#include "quant/observers/min_max.h"

namespace octet::quant {

void MinMaxObserver::update(const Tensor& x) {
  const ValueRange current = find_range(x.values<float>());
  ranges_ = {never_observed() ? current : merge(ranges_[0], current)};
}

}  // namespace octet::quant
