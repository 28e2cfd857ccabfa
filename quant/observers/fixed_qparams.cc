#include "quant/observers/fixed_qparams.h"

#include "base/error.h"

namespace octet::quant {
namespace {

ObserverOptions options_of(DType dtype, const std::vector<QParams>& qparams) {
  OCTET_CHECK(!qparams.empty(), "observer: no qparams are given");
  return {.dtype = dtype, .range = {qparams[0].quant_min, qparams[0].quant_max}};
}

}  // namespace

FixedQParamsObserver::FixedQParamsObserver(DType dtype, std::vector<QParams> qparams,
                                           std::optional<int> ch_axis)
    : Observer(options_of(dtype, qparams)), qparams_(std::move(qparams)), ch_axis_(ch_axis) {
  for (const QParams& q : qparams_)
    ranges_.push_back({static_cast<float>(q.quant_min - q.zero_point) * q.scale,
                       static_cast<float>(q.quant_max - q.zero_point) * q.scale});
}

void FixedQParamsObserver::update(const Tensor& x) {
  const auto count = static_cast<int64_t>(qparams_.size());
  OCTET_CHECK(!ch_axis_ || (*ch_axis_ < x.rank() && x.dim(*ch_axis_) == count), "observer: ", count,
              " scales are given along axis ", *ch_axis_, ", input is ", x.shape().text());
}

}  // namespace octet::quant
