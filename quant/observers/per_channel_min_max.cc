#include "quant/observers/per_channel_min_max.h"

#include "base/error.h"

namespace octet::quant {

void PerChannelMinMaxObserver::update(const Tensor& x) {
  OCTET_CHECK(ch_axis_ >= 0 && ch_axis_ < x.rank(), "observer: ch_axis is ", ch_axis_,
              ", input has shape ", x.shape().text());
  const size_t channels = static_cast<size_t>(x.dim(ch_axis_));
  OCTET_CHECK(never_observed() || channels == ranges_.size(), "observer: input has ", channels,
              " channels, earlier ones had ", ranges_.size());
  size_t inner = 1;
  for (int d = ch_axis_ + 1; d < x.rank(); ++d) inner *= static_cast<size_t>(x.dim(d));

  const std::span<const float> values = x.values<float>();
  std::vector<ValueRange> current(channels);
  size_t c = 0;
  for (size_t i = 0; i < values.size(); i += inner) {
    current[c] = merge(current[c], find_range(values.subspan(i, inner), i));
    c = c + 1 < channels ? c + 1 : 0;
  }
  update_ranges(current);
}

void PerChannelMinMaxObserver::update_ranges(std::span<const ValueRange> ranges) {
  std::vector<ValueRange> combined(ranges.begin(), ranges.end());
  if (!never_observed())
    for (size_t c = 0; c < combined.size(); ++c) combined[c] = combine(ranges_[c], ranges[c]);
  ranges_ = std::move(combined);
}

}  // namespace octet::quant
