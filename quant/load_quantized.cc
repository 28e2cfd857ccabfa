#include "quant/load_quantized.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "quant/observers/fixed_qparams.h"
#include "quant/qat_state_dict.h"
#include "quant/quantized_file.h"

namespace octet::quant {
namespace {

const QuantRange kWeights = {-128, 127};  // PyTorch's qint8 has one more than ours

// Of a layer with weights.
struct Weights {
  const QuantizedTensor* weight;
  const Tensor* bias;  // null for none
};

Weights take_weights(const std::string& path, QuantizedFile& file) {
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
    const nn::GroupedGraph groups = nn::find_groups(graph_);
    for (const nn::LayerGroup& group : groups.groups) count_functional(graph_.nodes[group.main]);
    for (const nn::LayerGroup& group : groups.groups) {
      const nn::GraphNode& node = graph_.nodes[group.main];
      const nn::QuantRole role = node.op->quant_role();
      if (node.op->has_weight()) {
        add_weighted(node, group);
      } else if (role == nn::QuantRole::observed) {
        mapping_.set_module_name(node.path, fixed(take_output(node)));
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

  // Of a module that is quantized as one, of a FloatFunctional, or what PyTorch always takes.
  QParams take_output(const nn::GraphNode& node) {
    if (file_.has(node.path + ".scale")) return file_.take_qparams(node.path);
    if (const auto fixed = node.op->fixed_qparams()) return *fixed;
    return file_.take_qparams(find_functional(node));
  }

  // The module that applies the op.
  static std::string module_of(const nn::GraphNode& node) {
    const std::string module = node.path.substr(0, node.path.find('#'));
    // What the model itself applies is named after its op.
    return module == node.op->name() ? "" : module;
  }

  // Notes the FloatFunctionals of modules before any is taken, and what they are to be shared by.
  void count_functional(const nn::GraphNode& node) {
    if (node.op->has_weight() || node.op->quant_role() != nn::QuantRole::observed) return;
    if (file_.has(node.path + ".scale") || node.op->fixed_qparams()) return;
    const std::string module = module_of(node);
    const auto [found, is_new] = functionals_.try_emplace(module);
    if (is_new) found->second.names = file_.functionals(module);
    found->second.calls.push_back(node.path);
  }

  // The FloatFunctional of the module that calls the op. Several are told apart by a number (myop1,
  // myop2), in which order they are called.
  std::string find_functional(const nn::GraphNode& node) const {
    const auto& [names, calls] = functionals_.at(module_of(node));
    const auto call = std::ranges::find(calls, node.path) - calls.begin();
    if (names.size() == calls.size() && are_numbered(names))
      return names[static_cast<size_t>(call)];
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    fail(node.path, ": the file has ",
         names.empty()       ? "no scale"
         : names.size() == 1 ? "one scale (" + all + ") of " + std::to_string(calls.size())
                             : "several scales (" + all + ")",
         " for what ", node.op->name(), " gives there");
  }

  // One name, or names that differ in the number that they end with.
  static bool are_numbered(const std::vector<std::string>& names) {
    const auto stem = [](const std::string& name) {
      return name.substr(0, name.find_last_not_of("0123456789") + 1);
    };
    return std::ranges::all_of(names, [&](const std::string& name) {
      return names.size() == 1 || stem(name) == stem(names[0]);
    });
  }

  const std::string& name_of_input(const nn::GraphNode& node, size_t i) const {
    return graph_.values[node.inputs[i]].name;
  }

  const nn::Graph& graph_;
  QuantizedFile file_;
  struct Functionals {
    std::vector<std::string> names;  // of the file
    std::vector<std::string> calls;  // paths of nodes, in the order of execution
  };
  std::map<std::string, Functionals> functionals_;  // by the module that calls
  QConfigMapping mapping_;
  StateDict floats_;
};

// Of the batch norm behind the layer; of layers that the graph does not have, any.
float eps_behind(const nn::Graph& graph, const std::string& path) {
  for (const nn::GraphNode& node : graph.nodes) {
    if (node.path != path) continue;
    for (const int reader : graph.readers(node.outputs[0]))
      if (const auto* norm = graph.nodes[static_cast<size_t>(reader)].op->batch_norm())
        return norm->eps;
  }
  return nn::BatchNormOptions().eps;
}

// convert_fx has no QuantStub, and names scales after nodes of its graph.
void check_eager_mode(const QuantizedStateDict& state) {
  for (const auto& [name, tensor] : state.tensors)
    OCTET_CHECK(!name.ends_with("_input_scale_0") || name.find('.') != name.npos, name,
                ": this is a model of FX graph mode (convert_fx), whose scales are named after its "
                "graph; expected one of eager mode, as prepare and convert make of a model of "
                "torchvision.models.quantization");
}

}  // namespace

std::unique_ptr<PreparedModel> load_quantized(nn::Module& model, const Tensor& example,
                                              const QuantizedStateDict& state) {
  const nn::Graph graph = nn::trace(model, example);
  QuantizedStateDict converted = without_prefix(state);
  check_eager_mode(converted);
  if (is_qat_state_dict(converted))
    converted = convert_qat_state_dict(
        converted, [&](const std::string& path) { return eps_behind(graph, path); });
  Loader loader(graph, converted);
  loader.run();
  model.load_state_dict(loader.floats());
  return prepare(model, example, loader.mapping());
}

}  // namespace octet::quant
