#include "quant/load_quantized.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "quant/observers/fixed_qparams.h"

namespace octet::quant {
namespace {

const QuantRange kActivations = {0, 255};
const QuantRange kWeights = {-128, 127};  // PyTorch's qint8 has one more than ours

// The file's tensors by name.
class File {
 public:
  explicit File(const QuantizedStateDict& state) {
    for (const auto& [name, tensor] : state.tensors) tensors_[name] = &tensor;
    for (const auto& [name, tensor] : state.quantized) quantized_[name] = &tensor;
  }

  bool has(const std::string& name) const {
    return tensors_.contains(name) || quantized_.contains(name);
  }
  // Null for one that is not there.
  const QuantizedTensor* take_quantized(const std::string& name) { return take(name, quantized_); }
  const Tensor* take_tensor(const std::string& name) { return take(name, tensors_); }

  // PATH.scale and PATH.zero_point.
  QParams take_qparams(const std::string& path) {
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
    OCTET_CHECK(kActivations.quant_min <= z && z <= kActivations.quant_max, path,
                ": zero_point is ", z, ", expected 0 to 255");
    return {s, static_cast<int32_t>(z), kActivations.quant_min, kActivations.quant_max};
  }

  // The children NAME of a module for which the file has a scale that no weight goes with, and that
  // nobody has taken.
  std::vector<std::string> functionals(const std::string& module) const {
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

  // What nobody has taken. FloatFunctionals that never ran, as skip_add of MobileNetV2's blocks
  // without an addition, have the scale and the zero point that they began with: 1 and 0.
  std::map<std::string, Tensor> left() const {
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

 private:
  template <class T>
  bool holds(const std::string& name, T value) const {
    const auto found = tensors_.find(name);
    return found != tensors_.end() && found->second->elements() == 1 &&
           found->second->dtype() == dtype_of<T> && found->second->template data<T>()[0] == value;
  }
  template <class Map>
  static typename Map::mapped_type take(const std::string& name, Map& map) {
    const auto entry = map.extract(name);
    return entry ? entry.mapped() : nullptr;
  }

  std::unordered_map<std::string, const Tensor*> tensors_;
  std::unordered_map<std::string, const QuantizedTensor*> quantized_;
};

// Of a layer with weights.
struct Weights {
  const QuantizedTensor* weight;
  const Tensor* bias;  // null for none
};

Weights take_weights(const std::string& path, File& file) {
  const std::string packed = path + "._packed_params.";
  const std::pair<std::string, std::string> forms[] = {
      {path + ".weight", path + ".bias"},
      {packed + "_packed_params.0", packed + "_packed_params.1"},
      {packed + "weight", packed + "bias"}};
  for (const auto& [weight_name, bias_name] : forms) {
    OCTET_CHECK(file.take_tensor(weight_name) == nullptr, weight_name,
                " is not quantized, expected qint8 as of a quantized model");
    const QuantizedTensor* weight = file.take_quantized(weight_name);
    if (weight == nullptr) continue;
    OCTET_CHECK(weight->integers.dtype() == DType::s8, weight_name, " is quint8, expected qint8");
    OCTET_CHECK(!weight->axis || *weight->axis == 0, weight_name, " has its scales along axis ",
                weight->axis.value_or(0), ", expected 0, the output channels");
    for (const int64_t zero_point : weight->zero_points)
      OCTET_CHECK(zero_point == 0, weight_name, " has a zero point of ", zero_point,
                  ", expected 0");
    const Tensor* bias = file.take_tensor(bias_name);
    const Shape wanted = {weight->integers.rank() > 0 ? weight->integers.dim(0) : 0};
    OCTET_CHECK(bias == nullptr || (bias->dtype() == DType::f32 && bias->shape() == wanted),
                bias_name, " is ", bias ? bias->shape().text() : "", ", expected f32 ",
                wanted.text());
    if (bias != nullptr)
      for (const float b : bias->values<float>())
        OCTET_CHECK(std::isfinite(b), bias_name, " has ", b, ", not a finite number");
    return {weight, bias};
  }
  fail(path, ": the file has no ", path, ".weight");
}

ObserverFactory fixed_weights(const QuantizedTensor& weight) {
  std::vector<QParams> qparams;
  for (const float scale : weight.scales)
    qparams.push_back({scale, 0, kWeights.quant_min, kWeights.quant_max});
  return with_args<FixedQParamsObserver>(DType::s8, std::move(qparams), weight.axis);
}

// The activation's are also the weight's where there is none.
QConfig fixed(const QParams& output, const QuantizedTensor* weight = nullptr) {
  const ObserverFactory activation =
      with_args<FixedQParamsObserver>(DType::u8, std::vector{output}, std::optional<int>());
  return {activation, weight != nullptr ? fixed_weights(*weight) : activation};
}

class Loader {
 public:
  Loader(const nn::Graph& graph, const QuantizedStateDict& state) : graph_(graph), file_(state) {}

  void run() {
    const QConfig input = fixed(file_.take_qparams("quant"));
    mapping_.set_input(input);
    // Of layers that keep what comes in: any will do.
    mapping_.set_global(input);
    for (const nn::LayerGroup& group : nn::find_groups(graph_).groups) {
      const nn::GraphNode& node = graph_.nodes[group.main];
      const nn::QuantRole role = node.op->quant_role();
      if (node.op->has_weight()) {
        add_weighted(node, group);
      } else if (role == nn::QuantRole::observed) {
        const std::string path = find_functional(node);
        mapping_.set_module_name(node.path, fixed(file_.take_qparams(path)));
      } else {
        OCTET_CHECK(role == nn::QuantRole::pass_through, node.path, ": ", node.op->name(),
                    " has no integer form");
      }
    }
    // The model knows what it leaves out (auxiliary heads), and refuses the rest.
    for (const auto& [name, tensor] : file_.left()) floats_.emplace_back(name, tensor);
  }

  const QConfigMapping& mapping() const { return mapping_; }
  const StateDict& floats() const { return floats_; }

 private:
  void add_weighted(const nn::GraphNode& node, const nn::LayerGroup& group) {
    const Weights file = take_weights(node.path, file_);
    mapping_.set_module_name(node.path, fixed(file_.take_qparams(node.path), file.weight));
    floats_.emplace_back(name_of_input(node, 1), file.weight->dequantize());
    bool is_placed = file.bias == nullptr;
    const auto shift = [&] {
      OCTET_CHECK(file.bias != nullptr, node.path, ": the file has no bias of it");
      is_placed = true;
      return *file.bias;
    };
    const bool has_bias = node.inputs.size() > 2;
    if (has_bias) floats_.emplace_back(name_of_input(node, 2), shift());
    for (const int follower : group.followers) {
      const nn::GraphNode& norm = graph_.nodes[follower];
      if (norm.op->batch_norm() == nullptr) continue;
      add_neutral_norm(norm, has_bias ? Tensor::zeros(file.bias->shape()) : shift());
    }
    OCTET_CHECK(is_placed, node.path, ": the file has a bias, the model has none");
  }

  // A batch norm that adds the shift: 1 - eps, rounded, and eps are 1 in f32.
  void add_neutral_norm(const nn::GraphNode& norm, const Tensor& shift) {
    const auto full = [&](float value) {
      Tensor t = Tensor::zeros(shift.shape());
      std::ranges::fill(t.values<float>(), value);
      return t;
    };
    floats_.emplace_back(name_of_input(norm, 1), full(1.0f));
    floats_.emplace_back(name_of_input(norm, 2), shift);
    floats_.emplace_back(name_of_input(norm, 3), full(0.0f));
    floats_.emplace_back(name_of_input(norm, 4), full(1.0f - norm.op->batch_norm()->eps));
  }

  // A module that is quantized as one, or the FloatFunctional of the module that calls the op.
  std::string find_functional(const nn::GraphNode& node) const {
    if (file_.has(node.path + ".scale")) return node.path;
    // What the model itself applies is named after its op.
    std::string module = node.path.substr(0, node.path.find('#'));
    if (module == node.op->name()) module.clear();
    const std::vector<std::string> names = file_.functionals(module);
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    OCTET_CHECK(names.size() == 1, node.path, ": the file has ",
                names.empty() ? "no scale" : "several scales (" + all + ")", " for what ",
                node.op->name(), " gives there");
    return names[0];
  }

  const std::string& name_of_input(const nn::GraphNode& node, size_t i) const {
    return graph_.values[node.inputs[i]].name;
  }

  const nn::Graph& graph_;
  File file_;
  QConfigMapping mapping_;
  StateDict floats_;
};

}  // namespace

std::unique_ptr<PreparedModel> load_quantized(nn::Module& model, const Tensor& example,
                                              const QuantizedStateDict& state) {
  const nn::Graph graph = nn::trace(model, example);
  Loader loader(graph, state);
  loader.run();
  model.load_state_dict(loader.floats());
  return prepare(model, example, loader.mapping());
}

}  // namespace octet::quant
