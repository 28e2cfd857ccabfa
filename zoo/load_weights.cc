#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"
#include "tensor/quantized_state_dict.h"
#include "zoo/models.h"

namespace octet::zoo {
namespace {

// "conv1.weight[3, 0, 1, 2]": element i of the tensor.
std::string place_of(const std::string& name, const Shape& shape, size_t i) {
  std::string indices;
  for (int d = static_cast<int>(shape.rank()) - 1; d >= 0; --d) {
    const auto extent = static_cast<size_t>(shape[d]);
    indices = std::to_string(i % extent) + (indices.empty() ? "" : ", ") + indices;
    i /= extent;
  }
  return indices.empty() ? name : name + "[" + indices + "]";
}

// Numbers that no training that went well leaves behind; batch norm takes the root of a variance.
void check_values(const StateDict& state) {
  for (const auto& [name, tensor] : state) {
    if (!tensor.defined() || tensor.dtype() != DType::f32) continue;
    const bool is_variance = name.ends_with("running_var");
    const auto values = tensor.values<float>();
    const auto bad = std::ranges::find_if(
        values, [&](float v) { return !std::isfinite(v) || (is_variance && v < 0); });
    if (bad == values.end()) continue;
    fail(place_of(name, tensor.shape(), static_cast<size_t>(bad - values.begin())), " is ", *bad,
         std::isfinite(*bad) ? ", a variance is at least 0" : ", not a finite number");
  }
}

// What the file says of the parameter of that name; null when it has none.
const Tensor* find_tensor(const StateDict& state, std::string_view name) {
  for (const auto& [given, tensor] : state)
    if (given == name || given == "module." + std::string(name)) return &tensor;
  return nullptr;
}

// The model of the table that the state is one of, with as many classes as its last layer has, as a
// part of a message; empty when there is none.
std::string text_of_fitting_model(const StateDict& state) {
  for (const ModelEntry& entry : models()) {
    try {
      auto model = entry.create({});
      const auto [name, bias] = model->named_parameters().back();
      const Tensor* given = find_tensor(state, name);
      if (given == nullptr || given->rank() != 1) continue;
      const int64_t classes = given->dim(0);
      if (classes != bias.dim(0)) model = entry.create({.num_classes = static_cast<int>(classes)});
      model->load_state_dict(state);
      return std::string("; the file fits ") + entry.name + " with " + std::to_string(classes) +
             " classes";
    } catch (const Error&) {  // not this one
    }
  }
  return "";
}

void load(nn::Module& model, const StateDict& state) {
  try {
    model.load_state_dict(state);
  } catch (const Error& error) {
    fail(error.what(), text_of_fitting_model(state));
  }
}

}  // namespace

void load_weights(nn::Module& model, const std::string& path) {
  try {
    const QuantizedStateDict state = load_quantized_state_dict_file(path);
    if (!state.quantized.empty())
      fail(printable(state.quantized[0].first),
           " is quantized: this is an int8 model, which `octet quantize --workflow=pretrained` "
           "takes; expected the weights of a float model");
    check_values(state.tensors);
    load(model, state.tensors);
  } catch (const Error& error) {
    const std::string reason = error.what();
    fail(reason.find(path) == reason.npos ? path + ": " : "", reason);
  }
}

}  // namespace octet::zoo
