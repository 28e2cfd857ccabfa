// The generator behind initial weights and dropout: one per thread, so that a seed gives the same
// model whatever other threads do.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace octet::nn {

// Restarts this thread's generator; it starts with seed 0.
void manual_seed(uint64_t seed);
Rng& default_generator();

// f32, every element uniform in [-bound, bound).
Tensor uniform(const Shape& shape, float bound);
// torch.nn.init.kaiming_uniform_ with a = sqrt(5), what Conv2d and Linear start with:
// 1 / sqrt(fan_in).
float kaiming_bound(int64_t fan_in);

}  // namespace octet::nn
