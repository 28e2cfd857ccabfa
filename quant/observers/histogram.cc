#include "quant/observers/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace octet::quant {
namespace {

constexpr int kBins = kHistogramBins;
constexpr int kUpsampleRate = 128;

// Parts of the old bins, 128 to each, and how they lie in the new ones.
struct Regrid {
  ValueRange range;       // of the new bins
  int64_t parts_per_bin;  // new bin = so many parts
  int64_t parts_before;   // parts between the start of the new range and that of the old one
};

// wanted: contains range.
Regrid fit_bins(const ValueRange& range, const ValueRange& wanted) {
  const float part = (range.max - range.min) / static_cast<float>(kBins * kUpsampleRate);
  const float wanted_extent = wanted.max - wanted.min;
  const float parts_per_bin = std::ceil(wanted_extent / (kBins * part));
  Regrid grid{wanted, static_cast<int64_t>(parts_per_bin),
              static_cast<int64_t>(std::nearbyintf((range.min - wanted.min) / part))};
  grid.range.max += parts_per_bin * (kBins * part) - wanted_extent;
  return grid;
}

// Whether f32 can't tell the parts of old bins apart in the new range, or from nothing: all old
// counts then are in one new bin.
bool old_range_is_a_point(const ValueRange& range, const ValueRange& wanted) {
  constexpr float kLargestGrowth = 0x1p24f;
  constexpr float kLeastExtent = std::numeric_limits<float>::min() * kBins * kUpsampleRate;
  const float extent = range.max - range.min;
  return !((wanted.max - wanted.min) / kLargestGrowth < extent && extent >= kLeastExtent);
}

// The counts of `old`, spread evenly over the parts of each bin and gathered in the new bins.
// Sums are differences of the running sum over all parts, which has this value at part p:
//   128 * (bins before p) + (parts of p's bin before p) * its count
std::vector<float> redistribute(std::span<const float> old, const Regrid& grid,
                                HistogramForm form) {
  std::vector<double> sum_before(kBins + 1);
  for (int i = 0; i < kBins; ++i) sum_before[i + 1] = sum_before[i] + old[i];
  const auto running_sum = [&](int64_t part) {
    part = std::clamp<int64_t>(part - grid.parts_before, 0, kBins * kUpsampleRate);
    const int64_t bin = part / kUpsampleRate, rest = part % kUpsampleRate;
    return sum_before[bin] * kUpsampleRate +
           (rest > 0 ? static_cast<double>(rest) * old[bin] : 0.0);
  };
  std::vector<float> result(kBins);
  double before = 0;
  for (int i = 0; i < kBins; ++i) {
    const double sum = running_sum((i + 1) * grid.parts_per_bin);
    result[i] = static_cast<float>((sum - before) / kUpsampleRate);
    before = form == HistogramForm::pytorch_1_13 ? static_cast<float>(sum) : sum;
  }
  return result;
}

// The formula of the header; ends rounded inwards make x - min negative or the quotient too large,
// and a range near the largest float makes it NaN. extent: max - min.
inline int32_t bin_of(float x, float min, float extent) {
  float bin = (x - min) * float{kBins} / extent;
  bin = bin < kBins - 1 ? bin : kBins - 1;
  bin = bin > 0 ? bin : 0;
  return static_cast<int32_t>(bin);
}

void add(std::span<const float> from, std::vector<float>& to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// The limits that PyTorch 1.13 counts between.
ValueRange truncated(const ValueRange& range, std::span<const float> values) {
  const ValueRange limits = {std::trunc(range.min), std::trunc(range.max)};
  return limits.min == limits.max ? find_range(values) : limits;
}

}  // namespace

// Bins are computed by the block, apart from counting, so that the first loop becomes vectors.
// Equal values often follow each other (zeros after a relu): several counters let one increment
// start before the last has reached memory.
std::vector<float> HistogramObserver::count(std::span<const float> values, ValueRange range) const {
  constexpr size_t kCounters = 4, kBlock = 256;
  constexpr int32_t kNowhere = kBins;
  const bool drop_outside = form_ == HistogramForm::pytorch_1_13;
  if (drop_outside) range = truncated(range, values);
  std::vector<float> result(kBins);
  if (range.min == range.max) {
    result[kBins / 2] = static_cast<float>(values.size());
    return result;
  }
  const float extent = range.max - range.min;
  std::vector<uint32_t> counts((kBins + 1) * kCounters);
  std::array<int32_t, kBlock> bins;
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const size_t n = std::min(kBlock, values.size() - begin);
    const float* x = values.data() + begin;
    for (size_t i = 0; i < n; ++i) bins[i] = bin_of(x[i], range.min, extent);
    for (size_t i = 0; drop_outside && i < n; ++i)
      if (x[i] < range.min || x[i] > range.max) bins[i] = kNowhere;
    for (size_t i = 0; i < n; ++i)
      ++counts[static_cast<size_t>(bins[i]) * kCounters + i % kCounters];
  }
  for (size_t i = 0; i < kBins; ++i) {
    uint64_t sum = 0;
    for (size_t k = 0; k < kCounters; ++k) sum += counts[i * kCounters + k];
    result[i] = static_cast<float>(sum);
  }
  return result;
}

void HistogramObserver::update(const Tensor& x) {
  const std::span<const float> values = x.values<float>();
  const ValueRange current = find_range(values);
  if (never_observed() || ranges_[0].min == ranges_[0].max) {
    histogram_ = count(values, current);
    ranges_ = {current};
    return;
  }
  const ValueRange old = ranges_[0];
  ValueRange wanted = merge(old, current);
  std::vector<float> carried(kBins);
  if (wanted == old) {
    carried = histogram_;
  } else if (old_range_is_a_point(old, wanted)) {
    for (float n : histogram_) carried[bin_of(old.min, wanted.min, wanted.max - wanted.min)] += n;
  } else {
    const Regrid grid = fit_bins(old, wanted);
    carried = redistribute(histogram_, grid, form_);
    wanted = grid.range;
  }
  histogram_ = count(values, wanted);
  add(carried, histogram_);
  ranges_ = {wanted};
}

void HistogramObserver::reset() {
  Observer::reset();
  histogram_.clear();
}

}  // namespace octet::quant
