#include "nn/weight_average.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "nn/op_support.h"

namespace octet::nn {

WeightAverage::WeightAverage(Module& model, double decay) : decay_(decay) {
  OCTET_CHECK(0 <= decay && decay < 1, "weight_average: decay is ", decay,
              ", expects 0 to below 1");
  values_ = model.named_parameters();
  for (auto& buffer : model.named_buffers())
    if (buffer.second.dtype() == DType::f32) values_.push_back(std::move(buffer));
  for (const auto& [name, value] : values_) averages_.push_back(value.clone());
}

void WeightAverage::update() {
  ++updates_;
  const double t = static_cast<double>(updates_);
  const float rest = static_cast<float>(1 - std::min(decay_, (1 + t) / (10 + t)));
  for (size_t i = 0; i < values_.size(); ++i) {
    const float* value = values_[i].second.data<float>();
    float* average = averages_[i].data<float>();
    run_elements(averages_[i].elements(), [&](size_t begin, size_t n) {
      for (size_t k = begin; k < begin + n; ++k) average[k] += rest * (value[k] - average[k]);
    });
  }
}

void WeightAverage::swap() {
  for (size_t i = 0; i < values_.size(); ++i)
    std::ranges::swap_ranges(values_[i].second.values<float>(), averages_[i].values<float>());
}

StateDict WeightAverage::state_dict() const {
  StateDict state;
  state.emplace_back("updates", Tensor::from<int64_t>({}, std::span(&updates_, 1)));
  for (size_t i = 0; i < values_.size(); ++i)
    state.emplace_back(values_[i].first, averages_[i].clone());
  return state;
}

void WeightAverage::load_state_dict(const StateDict& state) {
  const auto find = [&](const std::string& name, DType dtype, const Shape& shape) {
    const auto at = std::find_if(state.begin(), state.end(),
                                 [&](const auto& entry) { return entry.first == name; });
    OCTET_CHECK(at != state.end() && at->second.dtype() == dtype && at->second.shape() == shape,
                "weight_average: ", name, " is missing or not ", name_of(dtype), " ", shape.text());
    return at->second;
  };
  const int64_t updates = *find("updates", DType::s64, {}).data<int64_t>();
  std::vector<Tensor> loaded;
  for (const auto& [name, value] : values_) loaded.push_back(find(name, DType::f32, value.shape()));
  for (size_t i = 0; i < loaded.size(); ++i)
    std::memcpy(averages_[i].raw(), loaded[i].raw(), loaded[i].bytes());
  updates_ = updates;
}

}  // namespace octet::nn
