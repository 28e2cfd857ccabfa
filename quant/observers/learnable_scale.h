// LearnableScaleObserver: the scale is a parameter that training learns (LSQ: Esser et al.,
// "Learned step size quantization", 2020). The zero point stays.
//
//   scale: at first what the range of the first tensor gives (range.h); later observations change
//   nothing. One that a step has taken below eps is eps again when it is next used, as torch's: as
//   |scale| it would have a gradient of the wrong sign, and every further step would ascend.
//   gradient (equation 3; torch's _LearnableFakeQuantize), summed over all elements of one scale:
//     inside:  dy * (q - zero_point - x / scale)      outside:  dy * (clamped q - zero_point)
//   times 1 / sqrt(elements * quant_max) (section 2.2)
#pragma once

#include "quant/observers/observer.h"

namespace octet::quant {

class LearnableScaleObserver : public Observer {
 public:
  // ch_axis: the dimension with a scale for each of its indices; none: one scale.
  explicit LearnableScaleObserver(const ObserverOptions& options, std::optional<int> ch_axis = {});

  std::optional<int> ch_axis() const override { return ch_axis_; }
  bool takes_ranges() const override { return true; }
  // Writes scales below eps back to the tensor.
  std::vector<QParams> qparams() const override;
  // The same tensor from the beginning, where there is one scale.
  Tensor learned_scale() const override { return scale_; }
  void restore(std::vector<ValueRange> ranges) override;
  void reset() override;

 protected:
  void update(const Tensor& x) override;
  void update_ranges(std::span<const ValueRange> ranges) override;

 private:
  std::optional<int> ch_axis_;
  Tensor scale_;  // f32 [ranges]; [1] before the first observation
};

// What a scale's gradient is multiplied by. elements: that share the scale, of one example.
float lsq_gradient_factor(double elements, const QuantRange& range);

}  // namespace octet::quant
