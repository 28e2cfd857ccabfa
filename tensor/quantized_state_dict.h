// State dicts of quantized models: what torch.save writes of torch.ao.nn.quantized modules.
//
// state_dict.h's functions take float models alone, and refuse a file with a quantized tensor by
// its name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/quantized_tensor.h"
#include "tensor/state_dict.h"

namespace octet {

// In the order of the file; names are unique. What a linear layer packs into one tuple under
// NAME._packed_params._packed_params has the names NAME._packed_params._packed_params.0 (weight)
// and .1 (bias).
struct QuantizedStateDict {
  StateDict tensors;
  std::vector<std::pair<std::string, QuantizedTensor>> quantized;  // of a float model: none
};

// A file of either kind, by content as load_state_dict_file. Throws octet::Error with the path and
// the reason.
QuantizedStateDict load_quantized_state_dict_file(const std::string& path);

}  // namespace octet
