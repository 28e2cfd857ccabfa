#include "quant/observers/observer.h"

#include <cmath>

#include "base/error.h"

namespace octet::quant {

Observer::Observer(const ObserverOptions& options) : options_(options) {
  const auto [quant_min, quant_max] = options.range;
  OCTET_CHECK(options.dtype == DType::u8 || options.dtype == DType::s8, "observer: dtype is ",
              name_of(options.dtype), ", expected u8 or s8");
  const QuantRange widest = options.dtype == DType::u8 ? QuantRange{0, 255} : QuantRange{-128, 127};
  OCTET_CHECK(
      widest.quant_min <= quant_min && quant_min < quant_max && quant_max <= widest.quant_max,
      "observer: range ", quant_min, "..", quant_max, " is not within ", name_of(options.dtype));
  OCTET_CHECK(options.eps > 0, "observer: eps is ", options.eps, ", expected above 0");
}

void Observer::observe(const Tensor& x) {
  OCTET_CHECK(x.defined() && x.dtype() == DType::f32, "observer: input is ",
              x.defined() ? name_of(x.dtype()) : "undefined", ", expected f32");
  if (x.elements() > 0) update(x);
}

void Observer::observe_ranges(std::span<const ValueRange> ranges) {
  OCTET_CHECK(takes_ranges(), "observer: it needs the values themselves, not their range");
  OCTET_CHECK(never_observed() || ranges.size() == ranges_.size(), "observer: ", ranges.size(),
              " ranges, earlier there were ", ranges_.size());
  for (const ValueRange& range : ranges)
    OCTET_CHECK(std::isfinite(range.min) && std::isfinite(range.max), "observer: the range is ",
                range.min, " to ", range.max);
  update_ranges(ranges);
}

std::vector<QParams> Observer::qparams() const {
  OCTET_CHECK(!never_observed(), "observer: asked for qparams before anything was observed");
  std::vector<QParams> result;
  for (const ValueRange& range : quantized_ranges())
    result.push_back(
        choose_qparams(range.min, range.max, options_.range, options_.scheme, options_.eps));
  return result;
}

QParams Observer::empty_qparams() const {
  const auto [quant_min, quant_max] = options_.range;
  return {1.0f, std::clamp(0, quant_min, quant_max), quant_min, quant_max};
}

}  // namespace octet::quant
