// histogram_search: the part of a histogram's range that is best quantized to 256 levels.
//
// PyTorch's _non_linear_param_search. Starting from the whole range, the end behind which there are
// more empty or nearly empty bins moves inwards by a step of 1e-5 of the counts, as long as the
// error does not grow. The error is the integral of count density times squared distance to the
// middle of the level, over all bins, those outside the range counting to its outermost levels. It
// always has 256 levels, whatever the observer's range of integers and scheme are.
#pragma once

#include <span>

#include "quant/observers/range.h"

namespace octet::quant {

inline constexpr int kHistogramBins = 2048;

// histogram: counts in 2048 bins of equal width over range. Returns a part of range (up to the
// rounding of its ends).
ValueRange search_quantized_range(std::span<const float> histogram, const ValueRange& range);

}  // namespace octet::quant
