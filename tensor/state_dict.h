// Named tensors in files: safetensors and PyTorch's .pth.
//
// Tensors come as they are stored: PyTorch's names, shapes and layout (convolutions [out_c, in_c /
// groups, kh, kw]); Module::load_state_dict turns them into ours. f16, bf16 and f64 become f32;
// integers keep their type (bool, u8, s8, s32, s64).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace octet {

// In the order of the file; names are unique.
using StateDict = std::vector<std::pair<std::string, Tensor>>;

// By content, not by extension: a zip archive is a .pth, "\x80\x02" + magic number the legacy form
// (.th) of torch.save, anything else safetensors. Throws octet::Error with the path and the reason.
StateDict load_state_dict_file(const std::string& path);

// The safetensors format: (8 bytes little-endian header length, JSON, data).
StateDict load_safetensors(const std::string& path);
void save_safetensors(const StateDict& tensors, const std::string& path);

// torch.save's zip form and its legacy form. The pickle is read by an interpreter that knows only
// what a state dict of tensors needs: anything else it asks for is refused by name, nothing is ever
// executed. A dict inside under "state_dict" or "model" (checkpoints) is taken instead of the outer
// one.
StateDict load_pth(const std::string& path);

}  // namespace octet
