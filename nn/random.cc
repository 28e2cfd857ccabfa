#include "nn/random.h"

#include <cmath>

namespace octet::nn {

Rng& default_generator() {
  thread_local Rng generator(0);
  return generator;
}

void manual_seed(uint64_t seed) { default_generator() = Rng(seed); }

Tensor uniform(const Shape& shape, float bound) {
  Tensor t = Tensor::zeros(shape);
  for (float& x : t.values<float>()) x = default_generator().uniform(-bound, bound);
  return t;
}

float kaiming_bound(int64_t fan_in) {
  // gain * sqrt(3 / fan_in) with gain = sqrt(2 / (1 + a^2)) = sqrt(1 / 3).
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(fan_in)));
}

}  // namespace octet::nn
