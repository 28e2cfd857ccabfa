// MovingAverageMinMaxObserver: takes the range of the first tensor, then moves a fraction of the
// way towards the range of each that follows: m = m + averaging_constant * (current - m), in f32.
#pragma once

#include "quant/observers/observer.h"

namespace octet::quant {

inline constexpr float kAveragingConstant = 0.01f;

class MovingAverageMinMaxObserver : public Observer {
 public:
  explicit MovingAverageMinMaxObserver(
      const ObserverOptions& options = ObserverOptions::activation(),
      float averaging_constant = kAveragingConstant)
      : Observer(options), averaging_constant_(averaging_constant) {}

  bool takes_ranges() const override { return true; }

 protected:
  void update(const Tensor& x) override;
  void update_ranges(std::span<const ValueRange> ranges) override;

 private:
  float averaging_constant_;
};

}  // namespace octet::quant
