// ChannelMean: the mean of each channel (the innermost extent) over all tensors added, in double.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace octet::quant {

class ChannelMean {
 public:
  // x: f32 [..., channels], the same channels each time.
  void add(const Tensor& x) {
    const size_t channels = static_cast<size_t>(x.dim(x.rank() - 1));
    sums_.resize(channels);
    const std::span<const float> values = x.values<float>();
    for (size_t i = 0; i < values.size(); i += channels)
      for (size_t c = 0; c < channels; ++c) sums_[c] += values[i + c];
    rows_ += values.size() / channels;
  }
  // Empty before the first tensor.
  std::vector<double> means() const {
    std::vector<double> means = sums_;
    for (double& m : means) m /= static_cast<double>(rows_);
    return means;
  }

 private:
  std::vector<double> sums_;
  size_t rows_ = 0;
};

}  // namespace octet::quant
