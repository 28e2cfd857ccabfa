#include "quant/observers/histogram_search.h"

#include <algorithm>
#include <array>
#include <limits>

namespace octet::quant {
namespace {

constexpr int kBins = kHistogramBins;
constexpr int kLevels = 256;
constexpr double kStep = 1e-5;

// The integral of (distance to a level's middle)^2 between two distances, times density.
inline float squared_error(float from, float to, float density) {
  return density * ((to * to * to - from * from * from) / 3);
}

// floor(x / width) of the exact quotient, within [0, 255]; width > 0. The quotient in f32 may be
// rounded up to an integer that x does not reach: the product with that integer is compared, in two
// halves that are exact (the integer has 8 bits, `high` at most 12, `low` the rest). Branch-free,
// and without a call to floor, so that the loop below becomes vectors on any target.
struct LevelWidth {
  float width, high, low;

  explicit LevelWidth(float w) : width(w) {
    const float shifted = w * 4097.0f;  // 2^12 + 1
    high = shifted - (shifted - w);
    low = w - high;
  }
  float level_of(float x) const {
    float quotient = x / width;
    quotient = quotient > 0.0f ? quotient : 0.0f;
    quotient = quotient < kLevels - 1 ? quotient : kLevels - 1;
    const float level = static_cast<float>(static_cast<int>(quotient));
    const float beyond = x - level * high < level * low ? 1.0f : 0.0f;
    return level > 0.0f ? level - beyond : level;
  }
};

class ErrorOfPart {
 public:
  ErrorOfPart(std::span<const float> histogram, double bin_width)
      : bin_width_(bin_width), density_(kBins) {
    for (int i = 0; i < kBins; ++i) density_[i] = histogram[i] / static_cast<float>(bin_width);
  }

  // Bins [first, last] quantized to 256 levels.
  double operator()(int first, int last) const {
    const double level_width = bin_width_ * (last - first + 1) / kLevels;
    if (level_width == 0) return 0;
    const LevelWidth levels(static_cast<float>(level_width));
    const float bin_width = static_cast<float>(bin_width_);
    const float half = static_cast<float>(level_width / 2);
    const float whole_level = (half * half * half - -half * -half * -half) / 3;
    std::array<float, kBins> error;
    for (int i = 0; i < kBins; ++i) {
      const float begin = static_cast<float>(i - first) * bin_width;
      const float end = begin + bin_width;
      const float begin_level = levels.level_of(begin);
      const float end_level = levels.level_of(end);
      const float begin_middle = (begin_level + 0.5f) * levels.width;
      const float end_middle = end_level * levels.width + half;
      float sum = squared_error(begin - begin_middle, half, density_[i]);
      sum += (end_level - begin_level - 1) * (density_[i] * whole_level);
      sum += squared_error(-half, end - end_middle, density_[i]);
      error[i] = sum;
    }
    return sum_of(error);
  }

 private:
  static double sum_of(const std::array<float, kBins>& terms) {
    constexpr int kLanes = 8;
    double lanes[kLanes] = {};
    for (int i = 0; i < kBins; i += kLanes)
      for (int j = 0; j < kLanes; ++j) lanes[j] += terms[i + j];
    double sum = 0;
    for (double lane : lanes) sum += lane;
    return sum;
  }

  double bin_width_;
  std::vector<float> density_;
};

}  // namespace

ValueRange search_quantized_range(std::span<const float> histogram, const ValueRange& range) {
  if (range.min == range.max) return range;
  std::array<float, kBins> sum_to;  // including the bin
  double total = 0;
  for (int i = 0; i < kBins; ++i) sum_to[i] = static_cast<float>(total += histogram[i]);
  const double counts = sum_to[kBins - 1];
  const ErrorOfPart error_of(histogram, (double{range.max} - range.min) / kBins);

  int first = 0, last = kBins - 1;
  double alpha = 0, beta = 1;
  double least_error = std::numeric_limits<double>::infinity();
  while (alpha < beta) {
    const double next_alpha = alpha + kStep, next_beta = beta - kStep;
    int l = first, r = last;
    while (l < last && sum_to[l] < static_cast<float>(next_alpha * counts)) ++l;
    while (r > first && sum_to[r] > static_cast<float>(next_beta * counts)) --r;
    int next_first = first, next_last = last;
    if (l - first > last - r) {
      next_first = l;
      alpha = next_alpha;
    } else {
      next_last = r;
      beta = next_beta;
    }
    if (next_first == first && next_last == last) continue;
    const double error = error_of(next_first, next_last);
    if (error > least_error) break;
    least_error = error;
    first = next_first;
    last = next_last;
  }
  const float bin_width = (range.max - range.min) / kBins;
  return {range.min + bin_width * static_cast<float>(first),
          range.min + bin_width * static_cast<float>(last + 1)};
}

}  // namespace octet::quant
