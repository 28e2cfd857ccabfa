#include "quant/qconfig.h"

#include <utility>

#include "base/error.h"
#include "quant/observers/histogram.h"
#include "quant/observers/learnable_scale.h"
#include "quant/observers/min_max.h"
#include "quant/observers/per_channel_min_max.h"

namespace octet::quant {

namespace {

// Whether weights have a scale per output channel.
bool is_per_channel(const std::string& backend) {
  if (backend == "x86" || backend == "fbgemm" || backend == "onednn") return true;
  if (backend == "qnnpack") return false;
  fail("qconfig: no backend \"", backend, "\"; there are x86, fbgemm, onednn and qnnpack");
}

ObserverOptions weight_options(int bits) {
  OCTET_CHECK(2 <= bits && bits <= 8, "qconfig: weights of ", bits, " bits, expects 2 to 8");
  ObserverOptions weight = ObserverOptions::weight();
  weight.range.quant_max = (1 << (bits - 1)) - 1;
  weight.range.quant_min = -weight.range.quant_max;
  return weight;
}

}  // namespace

QConfig get_lsq_qconfig(const std::string& backend, int weight_bits) {
  const std::optional<int> ch_axis = is_per_channel(backend) ? std::optional(0) : std::nullopt;
  return {with_args<LearnableScaleObserver>(ObserverOptions::activation(), std::optional<int>()),
          with_args<LearnableScaleObserver>(weight_options(weight_bits), ch_axis)};
}

QConfig with_weight_bits(const std::string& backend, int weight_bits, bool qat) {
  const ObserverOptions weight = weight_options(weight_bits);
  const bool per_channel = is_per_channel(backend);
  if (qat) {
    return {with_args<MovingAverageMinMaxObserver>(ObserverOptions::activation()),
            per_channel ? with_args<MovingAveragePerChannelMinMaxObserver>(weight)
                        : with_args<MovingAverageMinMaxObserver>(weight)};
  }
  return {with_args<HistogramObserver>(ObserverOptions::activation()),
          per_channel ? with_args<PerChannelMinMaxObserver>(weight)
                      : with_args<MinMaxObserver>(weight)};
}

QConfig get_default_qconfig(const std::string& backend) {
  return with_weight_bits(backend, 8, false);
}

QConfig get_default_qat_qconfig(const std::string& backend) {
  return with_weight_bits(backend, 8, true);
}

QConfigMapping& QConfigMapping::set_global(std::optional<QConfig> qconfig) {
  global_ = std::move(qconfig);
  return *this;
}

QConfigMapping& QConfigMapping::set_object_type(const std::string& op,
                                                std::optional<QConfig> qconfig) {
  by_object_type_[op] = std::move(qconfig);
  return *this;
}

QConfigMapping& QConfigMapping::set_module_name(const std::string& path,
                                                std::optional<QConfig> qconfig) {
  by_module_name_[path] = std::move(qconfig);
  return *this;
}

QConfigMapping& QConfigMapping::set_input(QConfig qconfig) {
  input_ = std::move(qconfig);
  return *this;
}

std::optional<QConfig> QConfigMapping::find(const std::string& op, const std::string& path) const {
  // The path itself, then its parents, the nearest first. A layer that runs more than once has
  // paths that end in "#1", "#2"...
  for (std::string prefix = path;;) {
    if (const auto found = by_module_name_.find(prefix); found != by_module_name_.end())
      return found->second;
    if (prefix.empty()) break;
    const size_t end = prefix.find_last_of(".#");
    prefix.resize(end == std::string::npos ? 0 : end);
  }
  if (const auto found = by_object_type_.find(op); found != by_object_type_.end())
    return found->second;
  return global_;
}

QConfigMapping get_default_qconfig_mapping(const std::string& backend) {
  return QConfigMapping().set_global(get_default_qconfig(backend));
}

QConfigMapping get_default_qat_qconfig_mapping(const std::string& backend) {
  return QConfigMapping().set_global(get_default_qat_qconfig(backend));
}

}  // namespace octet::quant
