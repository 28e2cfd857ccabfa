// What one core does on the current target, measured, for estimates of layers (kernels/cost.h).
#pragma once

#include "kernels/cost.h"

namespace octet::bench {

// Takes about 0.1 s. Vector multiply-adds as bench/peak.h counts them; bytes read from a quarter of
// L2, and from eight times L2, which is L3 or memory; the least time of a layer that does nothing.
kernels::Rates measure_rates();

}  // namespace octet::bench
