// FixedQParamsObserver: scales and zero points that are given, as torch's of that name; what it is
// shown changes nothing. For models whose numbers were found elsewhere (load_quantized.h).
#pragma once

#include "quant/observers/observer.h"

namespace octet::quant {

class FixedQParamsObserver : public Observer {
 public:
  // qparams: one, or one per index of ch_axis; their integers all of one range, within dtype.
  // Throws octet::Error for none, and as Observer.
  FixedQParamsObserver(DType dtype, std::vector<QParams> qparams, std::optional<int> ch_axis = {});

  std::optional<int> ch_axis() const override { return ch_axis_; }
  std::vector<QParams> qparams() const override { return qparams_; }
  bool keeps_own_qparams() const override { return true; }
  // What was given is what there is.
  void restore(std::vector<ValueRange>) override {}
  void reset() override {}

 protected:
  // Throws octet::Error for as many channels as there are no scales for.
  void update(const Tensor& x) override;

 private:
  std::vector<QParams> qparams_;
  std::optional<int> ch_axis_;
};

}  // namespace octet::quant
