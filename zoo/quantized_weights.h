// Int8 models of PyTorch: quantized state dicts, as torchvision.models.quantization's.
#pragma once

#include <string>

#include "nn/module.h"
#include "quant/convert.h"

namespace octet::zoo {

// Whether the file is one of state_dict.h's, by its first bytes; false for one that can't be read,
// about which its reader has more to say.
bool is_state_dict_file(const std::string& path);

// The int8 program that the file is (quant/load_quantized.h). model: the network that it is of,
// made with ModelOptions::quantizable. Throws octet::Error that names the path and what does not
// fit; a file of a float model does not.
quant::Conversion load_quantized_weights(nn::Module& model, const Tensor& example,
                                         const std::string& path);

}  // namespace octet::zoo
