// QuantizedFile: the tensors of a quantized state dict of PyTorch, each to be taken once.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/qparams.h"
#include "tensor/quantized_state_dict.h"

namespace octet::quant {

// Without the prefix "module." that all names of a DataParallel have.
QuantizedStateDict without_prefix(QuantizedStateDict state);

class QuantizedFile {
 public:
  // `state` must outlive the file.
  explicit QuantizedFile(const QuantizedStateDict& state);

  bool has(const std::string& name) const {
    return tensors_.contains(name) || quantized_.contains(name);
  }
  // Null for one that is not there.
  const QuantizedTensor* take_quantized(const std::string& name);
  const Tensor* take_tensor(const std::string& name);

  // PATH.scale and PATH.zero_point of a u8 value. Throws octet::Error that names what is not there
  // or is no scale or zero point.
  QParams take_qparams(const std::string& path);

  // The children NAME of a module for which the file has a scale that no weight goes with, and that
  // nobody has taken; in alphabetical order.
  std::vector<std::string> functionals(const std::string& module) const;

  // What nobody has taken. FloatFunctionals that never ran, as skip_add of MobileNetV2's blocks
  // without an addition, have the scale and the zero point that they began with, 1 and 0, and are
  // left out.
  std::map<std::string, Tensor> left() const;

 private:
  template <class T>
  bool holds(const std::string& name, T value) const;

  std::unordered_map<std::string, const Tensor*> tensors_;
  std::unordered_map<std::string, const QuantizedTensor*> quantized_;
};

}  // namespace octet::quant
