// MinMaxObserver: the least and the greatest value of everything observed.
#pragma once

#include "quant/observers/observer.h"

namespace octet::quant {

class MinMaxObserver : public Observer {
 public:
  explicit MinMaxObserver(const ObserverOptions& options = ObserverOptions::activation())
      : Observer(options) {}

  bool takes_ranges() const override { return true; }

 protected:
  void update(const Tensor& x) override;
  void update_ranges(std::span<const ValueRange> ranges) override;
};

}  // namespace octet::quant
