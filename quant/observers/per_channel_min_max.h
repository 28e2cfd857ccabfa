// PerChannelMinMaxObserver: one range per index of dimension ch_axis; the least and the greatest
// value of everything observed there. For weights [out_c, kh, kw, in_c / groups], ch_axis 0 gives a
// range per output channel.
// MovingAveragePerChannelMinMaxObserver: the same, each range a moving average
// (moving_average_min_max.h).
#pragma once

#include "quant/observers/moving_average_min_max.h"
#include "quant/observers/observer.h"

namespace octet::quant {

class PerChannelMinMaxObserver : public Observer {
 public:
  explicit PerChannelMinMaxObserver(const ObserverOptions& options = ObserverOptions::weight(),
                                    int ch_axis = 0)
      : Observer(options), ch_axis_(ch_axis) {}

  std::optional<int> ch_axis() const override { return ch_axis_; }
  bool takes_ranges() const override { return true; }

 protected:
  void update(const Tensor& x) override;
  void update_ranges(std::span<const ValueRange> ranges) override;
  // The new range of a channel that was observed before.
  virtual ValueRange combine(const ValueRange& before, const ValueRange& current) const {
    return merge(before, current);
  }

 private:
  int ch_axis_;
};

class MovingAveragePerChannelMinMaxObserver : public PerChannelMinMaxObserver {
 public:
  explicit MovingAveragePerChannelMinMaxObserver(
      const ObserverOptions& options = ObserverOptions::weight(), int ch_axis = 0,
      float averaging_constant = kAveragingConstant)
      : PerChannelMinMaxObserver(options, ch_axis), averaging_constant_(averaging_constant) {}

 protected:
  ValueRange combine(const ValueRange& before, const ValueRange& current) const override {
    return move_towards(before, current, averaging_constant_);
  }

 private:
  float averaging_constant_;
};

}  // namespace octet::quant
