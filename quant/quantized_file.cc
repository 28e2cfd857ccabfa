#include "quant/quantized_file.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.h"

namespace octet::quant {
namespace {

constexpr int32_t kQuantMin = 0, kQuantMax = 255;
constexpr std::string_view kParallel = "module.";

template <class Map>
typename Map::mapped_type take(const std::string& name, Map& map) {
  const auto entry = map.extract(name);
  return entry ? entry.mapped() : nullptr;
}

}  // namespace

QuantizedStateDict without_prefix(QuantizedStateDict state) {
  const auto has_prefix = [](const auto& entry) { return entry.first.starts_with(kParallel); };
  if (!std::ranges::all_of(state.tensors, has_prefix) ||
      !std::ranges::all_of(state.quantized, has_prefix))
    return state;
  for (auto& [name, tensor] : state.tensors) name.erase(0, kParallel.size());
  for (auto& [name, tensor] : state.quantized) name.erase(0, kParallel.size());
  return state;
}

QuantizedFile::QuantizedFile(const QuantizedStateDict& state) {
  for (const auto& [name, tensor] : state.tensors) tensors_[name] = &tensor;
  for (const auto& [name, tensor] : state.quantized) quantized_[name] = &tensor;
}

const QuantizedTensor* QuantizedFile::take_quantized(const std::string& name) {
  return take(name, quantized_);
}

const Tensor* QuantizedFile::take_tensor(const std::string& name) { return take(name, tensors_); }

QParams QuantizedFile::take_qparams(const std::string& path) {
  const Tensor* scale = take_tensor(path + ".scale");
  const Tensor* zero_point = take_tensor(path + ".zero_point");
  OCTET_CHECK(scale != nullptr && zero_point != nullptr, path, ": the file has no ", path,
              scale == nullptr ? ".scale" : ".zero_point");
  OCTET_CHECK(scale->elements() == 1 && scale->dtype() == DType::f32 &&
                  zero_point->elements() == 1 && zero_point->dtype() == DType::s64,
              path, ": scale is ", name_of(scale->dtype()), " ", scale->shape().text(),
              ", zero_point is ", name_of(zero_point->dtype()), " ", zero_point->shape().text(),
              ", expected an f32 and an s64");
  const float s = scale->data<float>()[0];
  const int64_t z = zero_point->data<int64_t>()[0];
  OCTET_CHECK(std::isnormal(s) && s > 0, path, ": scale is ", s,
              ", expected a normal number above 0");
  OCTET_CHECK(kQuantMin <= z && z <= kQuantMax, path, ": zero_point is ", z, ", expected 0 to 255");
  return {s, static_cast<int32_t>(z), kQuantMin, kQuantMax};
}

std::vector<std::string> QuantizedFile::functionals(const std::string& module) const {
  const std::string prefix = module.empty() ? "" : module + ".", suffix = ".scale";
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const std::string child = name.substr(0, name.size() - suffix.size());
    const bool is_direct =
        child.size() > prefix.size() && child.find('.', prefix.size()) == std::string::npos;
    if (is_direct && !has(child + ".weight")) names.push_back(child);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, Tensor> QuantizedFile::left() const {
  std::map<std::string, Tensor> left;
  for (const auto& [name, tensor] : tensors_) left[name] = *tensor;
  for (const auto& [name, tensor] : quantized_) left[name] = tensor->integers;
  std::erase_if(left, [&](const auto& entry) {
    const std::string path = entry.first.substr(0, entry.first.rfind('.'));
    return holds<float>(path + ".scale", 1) && holds<int64_t>(path + ".zero_point", 0) &&
           !has(path + ".weight");
  });
  return left;
}

template <class T>
bool QuantizedFile::holds(const std::string& name, T value) const {
  const auto found = tensors_.find(name);
  return found != tensors_.end() && found->second->elements() == 1 &&
         found->second->dtype() == dtype_of<T> && found->second->template data<T>()[0] == value;
}

}  // namespace octet::quant
