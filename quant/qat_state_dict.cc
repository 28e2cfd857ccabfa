#include "quant/qat_state_dict.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/qparams.h"
#include "quant/qparams.h"

namespace octet::quant {
namespace {

const QuantRange kWeights = {-128, 127}, kOutputs = {0, 255}, kReducedOutputs = {0, 127};
constexpr float kEps = 0x1p-23f;     // the observers' least scale
constexpr float kAveraging = 0.01f;  // of MovingAverageMinMaxObserver
constexpr std::string_view kObserver = ".activation_post_process";
constexpr std::string_view kWeightScale = ".weight_fake_quant.scale";

class Converter {
 public:
  Converter(const StateDict& state, const std::function<float(const std::string&)>& eps_of)
      : eps_of_(eps_of) {
    for (const auto& [name, tensor] : state) tensors_[name] = &tensor;
  }

  void add_weight(const std::string& path) {
    Tensor weight = floats(path + ".weight").clone();
    OCTET_CHECK(weight.rank() > 0 && weight.elements() > 0, path, ".weight has no elements");
    const int64_t channels = weight.dim(0);
    Tensor bias;
    if (find(path + ".bias") != nullptr) bias = floats(path + ".bias", channels).clone();
    if (find(path + ".bn.weight") != nullptr) fold(path, weight, bias);
    result.quantized.emplace_back(path + ".weight", quantize(path + ".weight_fake_quant", weight));
    if (bias.defined()) result.tensors.emplace_back(path + ".bias", bias);
  }

  void add_output(const std::string& path) {
    const std::string fake = path + std::string(kObserver),
                      observer = fake + std::string(kObserver);
    float min = floats(observer + ".min_val", 1).data<float>()[0];
    float max = floats(observer + ".max_val", 1).data<float>()[0];
    QParams qparams{1, 0, kOutputs.quant_min, kOutputs.quant_max};  // of one that never ran
    if (min <= max) {
      const float last = floats(fake + ".scale", 1).data<float>()[0];
      const float steps = (std::max(max, 0.0f) - std::min(min, 0.0f)) / last;
      const bool is_reduced = steps < (kOutputs.quant_max + kReducedOutputs.quant_max) / 2;
      qparams =
          choose_qparams(min, max, is_reduced ? kReducedOutputs : kOutputs, Scheme::affine, kEps);
    }
    const int64_t zero_point = qparams.zero_point;
    result.tensors.emplace_back(path + ".scale", Tensor::full({}, qparams.scale));
    result.tensors.emplace_back(path + ".zero_point",
                                Tensor::from<int64_t>({}, std::span(&zero_point, 1)));
  }

  QuantizedStateDict result;

 private:
  const Tensor* find(const std::string& name) const {
    const auto found = tensors_.find(name);
    return found != tensors_.end() ? found->second : nullptr;
  }

  // elements: how many there must be; -1: any number.
  const Tensor& floats(const std::string& name, int64_t elements = -1) const {
    const Tensor* tensor = find(name);
    OCTET_CHECK(tensor != nullptr, "the file has no ", name);
    OCTET_CHECK(tensor->dtype() == DType::f32 && (elements < 0 || tensor->elements() == elements),
                name, " is ", name_of(tensor->dtype()), " ", tensor->shape().text(),
                ", expected f32", elements < 0 ? "" : " of " + std::to_string(elements));
    return *tensor;
  }

  void fold(const std::string& path, Tensor& weight, Tensor& bias) const {
    const int64_t channels = weight.dim(0), taps = weight.elements() / channels;
    const auto of_norm = [&](const char* name) {
      return floats(path + ".bn." + name, channels).data<float>();
    };
    const float *gamma = of_norm("weight"), *beta = of_norm("bias");
    const float *mean = of_norm("running_mean"), *var = of_norm("running_var");
    const float eps = eps_of_(path);
    if (!bias.defined()) bias = Tensor::zeros({channels});
    float *w = weight.data<float>(), *b = bias.data<float>();
    for (int64_t o = 0; o < channels; ++o) {
      const float inverse = 1.0f / std::sqrt(var[o] + eps);
      const float factor = gamma[o] * inverse;
      for (int64_t k = 0; k < taps; ++k) w[o * taps + k] *= factor;
      b[o] = (b[o] - mean[o]) * inverse * gamma[o] + beta[o];
    }
  }

  QuantizedTensor quantize(const std::string& fake, const Tensor& weight) const {
    const std::string observer = fake + std::string(kObserver);
    const Tensor& mins = floats(observer + ".min_val");
    const int64_t channels = weight.dim(0);
    const bool per_channel = mins.rank() > 0 && mins.elements() == channels && channels > 1;
    const int64_t groups = per_channel ? channels : 1, size = weight.elements() / groups;
    const float* min = floats(observer + ".min_val", groups).data<float>();
    const float* max = floats(observer + ".max_val", groups).data<float>();
    const Tensor* enabled = find(fake + ".observer_enabled");
    const bool observes = enabled == nullptr || enabled->elements() != 1 ||
                          enabled->dtype() != DType::s64 || enabled->data<int64_t>()[0] != 0;
    QuantizedTensor result{.integers = Tensor::empty(weight.shape(), DType::s8)};
    if (per_channel) result.axis = 0;
    for (int64_t g = 0; g < groups; ++g) {
      const auto w =
          weight.values<float>().subspan(static_cast<size_t>(g * size), static_cast<size_t>(size));
      float lo = min[g], hi = max[g];
      if (observes) {
        const auto [least, greatest] = std::ranges::minmax(w);
        lo = std::isinf(lo) ? least : lo + kAveraging * (least - lo);
        hi = std::isinf(hi) ? greatest : hi + kAveraging * (greatest - hi);
      }
      OCTET_CHECK(std::isfinite(lo) && std::isfinite(hi) && lo <= hi, observer, " has the range ",
                  lo, " to ", hi, ", expected one that was observed");
      const QParams qparams = choose_qparams(lo, hi, kWeights, Scheme::symmetric, kEps);
      const float inverse = 1.0f / qparams.scale;
      for (int64_t i = 0; i < size; ++i)
        result.integers.data<int8_t>()[g * size + i] =
            static_cast<int8_t>(quantize_value(w[static_cast<size_t>(i)], inverse, qparams));
      result.scales.push_back(qparams.scale);
      result.zero_points.push_back(0);
    }
    return result;
  }

  std::unordered_map<std::string, const Tensor*> tensors_;
  const std::function<float(const std::string&)>& eps_of_;
};

}  // namespace

bool is_qat_state_dict(const QuantizedStateDict& state) {
  return state.quantized.empty() && std::ranges::any_of(state.tensors, [](const auto& entry) {
           return entry.first.ends_with(kWeightScale);
         });
}

QuantizedStateDict convert_qat_state_dict(const QuantizedStateDict& state,
                                          const std::function<float(const std::string&)>& eps_of) {
  const std::string output = std::string(kObserver) + std::string(kObserver) + ".min_val";
  Converter converter(state.tensors, eps_of);
  for (const auto& [name, tensor] : state.tensors) {
    if (name.ends_with(kWeightScale))
      converter.add_weight(name.substr(0, name.size() - kWeightScale.size()));
    if (name.ends_with(output)) converter.add_output(name.substr(0, name.size() - output.size()));
  }
  return std::move(converter.result);
}

}  // namespace octet::quant
