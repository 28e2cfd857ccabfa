// QConfig: how a layer is to be quantized, and QConfigMapping: which layer gets which.
//
//   QConfigMapping mapping = get_default_qconfig_mapping("x86");
//   mapping.set_object_type("linear", std::nullopt);          // all linear layers stay float
//   mapping.set_module_name("features.0", my_qconfig);        // this module and all below it
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "quant/observers/observer.h"

namespace octet::quant {

// Makes a new observer for each value it is asked for.
using ObserverFactory = std::function<std::unique_ptr<Observer>()>;

// with_args<MinMaxObserver>(ObserverOptions::weight()): a factory of observers constructed so.
template <class Kind, class... Args>
ObserverFactory with_args(Args... args) {
  return [=] { return std::make_unique<Kind>(args...); };
}

struct QConfig {
  ObserverFactory activation;
  ObserverFactory weight;
};

// backend: as PyTorch names them. All observe activations in a histogram, u8 0..255; weights are s8
// -127..127, symmetric, by least and greatest value:
//   "x86", "fbgemm", "onednn": one scale per output channel
//   "qnnpack":                 one scale per tensor
// PyTorch narrows activations to 7 bits for x86 and fbgemm; no kernel here needs that.
// Throws octet::Error for another name.
QConfig get_default_qconfig(const std::string& backend);

// For training, as PyTorch's of version 1: moving averages of the least and greatest values, of
// activations per tensor, of weights as above.
QConfig get_default_qat_qconfig(const std::string& backend);
// Scales of weights and of layers' outputs are parameters that training learns
// (observers/learnable_scale.h); weights of 2 to 8 bits.
QConfig get_lsq_qconfig(const std::string& backend, int weight_bits = 8);
// The same with weights of `weight_bits` bits, 2 to 8: +-(2^(bits - 1) - 1).
QConfig with_weight_bits(const std::string& backend, int weight_bits, bool qat);

// Which qconfig a layer gets: that of its module name, else that of its type, else the global one.
// nullopt: the layer stays float. Setting again replaces.
class QConfigMapping {
 public:
  QConfigMapping& set_global(std::optional<QConfig> qconfig);
  // op: the name of an op, as "conv2d".
  QConfigMapping& set_object_type(const std::string& op, std::optional<QConfig> qconfig);
  // path: of a module; holds for all modules below it too, unless a longer path says otherwise; ""
  // is the whole model.
  QConfigMapping& set_module_name(const std::string& path, std::optional<QConfig> qconfig);

  // What enters the model is observed as this says, as by a QuantStub with a qconfig of its own;
  // unless it is set, as the first layer that reads it says.
  QConfigMapping& set_input(QConfig qconfig);

  std::optional<QConfig> find(const std::string& op, const std::string& path) const;
  const std::optional<QConfig>& input() const { return input_; }

 private:
  std::optional<QConfig> global_, input_;
  std::map<std::string, std::optional<QConfig>> by_object_type_, by_module_name_;
};

// The default qconfig of that backend for every layer.
QConfigMapping get_default_qconfig_mapping(const std::string& backend);
QConfigMapping get_default_qat_qconfig_mapping(const std::string& backend);

}  // namespace octet::quant
