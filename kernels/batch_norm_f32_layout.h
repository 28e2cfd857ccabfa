// How partials of batch_norm_f32 lie in memory: f32 [blocks][kinds][padded(channels)].
#pragma once

#include <cstddef>

namespace octet::kernels::batch_norm_f32 {

// Sum of d, sum of d^2, least, greatest; sum of g, sum of g * (x - mean).
constexpr size_t kMomentKinds = 4, kBackwardKinds = 2;

// Whole cache lines, so that threads at neighbouring blocks don't write to one line.
constexpr size_t padded(size_t channels) { return (channels + 15) / 16 * 16; }

}  // namespace octet::kernels::batch_norm_f32
