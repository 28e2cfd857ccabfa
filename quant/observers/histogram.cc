#include "quant/observers/histogram.h"

#include <algorithm>
#include <cmath>

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

// Beyond this many parts in a bin all old counts are in one new bin: float has no finer place.
constexpr float kLargestGrowth = 0x1p24f;

bool old_range_is_a_point(const ValueRange& range, const ValueRange& wanted) {
  return !((wanted.max - wanted.min) / kLargestGrowth < range.max - range.min);
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

int bin_of(float x, const ValueRange& range) {
  const float bin = (x - range.min) * kBins / (range.max - range.min);
  return std::clamp(static_cast<int>(bin), 0, kBins - 1);
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

// Equal values often follow each other (zeros after a relu); several counters let one increment
// start before the last has reached memory.
std::vector<float> HistogramObserver::count(std::span<const float> values, ValueRange range) const {
  if (form_ == HistogramForm::pytorch_1_13) range = truncated(range, values);
  std::vector<float> result(kBins);
  if (range.min == range.max) {
    result[kBins / 2] = static_cast<float>(values.size());
    return result;
  }
  constexpr size_t kCounters = 4;
  constexpr size_t kBlock = 256;
  std::vector<uint32_t> counts(kCounters * kBins);
  const float extent = range.max - range.min;
  int32_t bins[kBlock];
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const size_t n = std::min(kBlock, values.size() - begin);
    const float* x = values.data() + begin;
    for (size_t i = 0; i < n; ++i)
      bins[i] = static_cast<int32_t>((x[i] - range.min) * float{kBins} / extent);
    for (size_t i = 0; i < n; ++i) {
      if (form_ == HistogramForm::pytorch_1_13 && !(range.min <= x[i] && x[i] <= range.max))
        continue;
      ++counts[i % kCounters * kBins + static_cast<size_t>(std::clamp(bins[i], 0, kBins - 1))];
    }
  }
  for (size_t i = 0; i < kBins; ++i) {
    uint64_t sum = 0;
    for (size_t k = 0; k < kCounters; ++k) sum += counts[k * kBins + i];
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
    for (float n : histogram_) carried[bin_of(old.min, wanted)] += n;
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
