// ChannelRms: the root mean square of each channel (the innermost extent) over all tensors added,
// summed in double.
#pragma once

#include <cmath>
#include <vector>

#include "tensor/tensor.h"

namespace octet::quant {

class ChannelRms {
 public:
  // x: f32 [..., channels], the same channels each time.
  void add(const Tensor& x) {
    const size_t channels = static_cast<size_t>(x.dim(x.rank() - 1));
    squares_.resize(channels);
    const std::span<const float> values = x.values<float>();
    for (size_t i = 0; i < values.size(); i += channels)
      for (size_t c = 0; c < channels; ++c) squares_[c] += double{values[i + c]} * values[i + c];
    rows_ += values.size() / channels;
  }

  // Whether nothing was added yet.
  bool empty() const { return rows_ == 0; }
  std::vector<double> values() const {
    std::vector<double> result = squares_;
    for (double& v : result) v = std::sqrt(v / static_cast<double>(rows_));
    return result;
  }

 private:
  std::vector<double> squares_;
  size_t rows_ = 0;
};

}  // namespace octet::quant
