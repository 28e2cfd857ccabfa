// HistogramObserver: counts values in 2048 bins between the least and the greatest seen, and
// quantizes the part of that range with the least squared error (histogram_search.h).
//
// PyTorch's algorithm. The bin of x, all in f32:
//   bin = min(trunc((x - min) * 2048 / (max - min)), 2047)
// When a tensor exceeds the range, the range grows; only its end is relaxed further, so that old
// bins, cut in 128 parts each, fall into whole new bins, and a range that starts at 0 keeps doing
// so. Old counts are spread evenly over the parts. A range without extent (min == max) is forgotten
// when the next tensor comes.
//
// Values are counted between the true ends of the range, as PyTorch 2 does. Version 1.13 passes
// them through int() on the way to torch.histc: values beyond the truncated ends are not counted,
// and those within are counted in the wrong bins. HistogramForm::pytorch_1_13 does this as well,
// and rounds sums to f32 where 1.13 does, to compare numbers with that version.
#pragma once

#include "quant/observers/histogram_search.h"
#include "quant/observers/observer.h"

namespace octet::quant {

enum class HistogramForm { true_range, pytorch_1_13 };

class HistogramObserver : public Observer {
 public:
  explicit HistogramObserver(const ObserverOptions& options = ObserverOptions::activation(),
                             HistogramForm form = HistogramForm::true_range)
      : Observer(options), form_(form) {}

  // Counts by bin; empty before the first observation. Not whole numbers once the range has grown.
  std::span<const float> histogram() const { return histogram_; }
  // The part of ranges()[0] that qparams() covers.
  ValueRange search_range() const { return search_quantized_range(histogram_, ranges_[0]); }

  std::vector<ValueRange> quantized_ranges() const override { return {search_range()}; }
  void reset() override;

 protected:
  void update(const Tensor& x) override;

 private:
  std::vector<float> count(std::span<const float> values, ValueRange range) const;

  HistogramForm form_;
  std::vector<float> histogram_;
};

}  // namespace octet::quant
