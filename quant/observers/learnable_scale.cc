#include "quant/observers/learnable_scale.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "quant/observers/per_channel_min_max.h"

namespace octet::quant {

LearnableScaleObserver::LearnableScaleObserver(const ObserverOptions& options,
                                               std::optional<int> ch_axis)
    : Observer(options), ch_axis_(ch_axis), scale_(Tensor::full({1}, 1.0f)) {
  scale_.set_requires_grad();
}

void LearnableScaleObserver::update(const Tensor& x) {
  if (!never_observed()) return;
  if (!ch_axis_) {
    const ValueRange range = find_range(x.values<float>());
    update_ranges({&range, 1});
    return;
  }
  PerChannelMinMaxObserver channels(options(), *ch_axis_);
  channels.observe(x);
  update_ranges(channels.ranges());
}

void LearnableScaleObserver::update_ranges(std::span<const ValueRange> ranges) {
  if (!never_observed()) return;
  restore({ranges.begin(), ranges.end()});
}

void LearnableScaleObserver::restore(std::vector<ValueRange> ranges) {
  Observer::restore(std::move(ranges));
  if (never_observed()) return;
  // An optimizer may hold the tensor already: it is replaced only where its size changes.
  const auto count = static_cast<int64_t>(this->ranges().size());
  if (scale_.dim(0) != count) {
    scale_ = Tensor::empty({count});
    scale_.set_requires_grad();
  }
  const std::vector<QParams> observed = Observer::qparams();
  for (size_t i = 0; i < observed.size(); ++i) scale_.data<float>()[i] = observed[i].scale;
}

void LearnableScaleObserver::reset() {
  Observer::reset();
  scale_ = Tensor::full({1}, 1.0f);
  scale_.set_requires_grad();
}

std::vector<QParams> LearnableScaleObserver::qparams() const {
  std::vector<QParams> result = Observer::qparams();
  for (size_t i = 0; i < result.size(); ++i) {
    float& learned = scale_.data<float>()[i];
    OCTET_CHECK(std::isfinite(learned), "observer: the learned scale is ", learned);
    learned = std::max(learned, options().eps);
    result[i].scale = learned;
  }
  return result;
}

float lsq_gradient_factor(double elements, const QuantRange& range) {
  return static_cast<float>(1.0 / std::sqrt(std::max(1.0, elements * range.quant_max)));
}

}  // namespace octet::quant
