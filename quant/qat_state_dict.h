// What PyTorch's convert() makes of a model that is trained quantization-aware, from its state
// dict: torch.ao.quantization.prepare_qat's, eager mode. torchvision's mobilenet_v3_large is such a
// file.
//
//   P.weight, P.bias     floats; P.bn.* a batch norm that is not folded yet
//   P.weight_fake_quant.activation_post_process
//                        min_val, max_val of the weight, of a tensor or of each channel
//   P.activation_post_process.activation_post_process
//                        the same of what P gives
//
// Batch norms are folded in, W' = W * (gamma * r), b' = (b - mean) * r * gamma + beta, r = 1 /
// sqrt(var + eps); where the observer of a weight is still on, it sees W' once more (min += 0.01 *
// (min(W') - min)); scales are of these ranges (choose_qparams), weights -128..127, outputs 0..255,
// or 0..127 where the last scale of training says so (fbgemm). In f32, in PyTorch's order: the same
// integers.
#pragma once

#include <functional>
#include <string>

#include "tensor/quantized_state_dict.h"

namespace octet::quant {

bool is_qat_state_dict(const QuantizedStateDict& state);

// With the names that a converted model has. eps_of: of the batch norm behind the layer at a path.
// Throws octet::Error that names a tensor which is not there, or of another type or size.
QuantizedStateDict convert_qat_state_dict(const QuantizedStateDict& state,
                                          const std::function<float(const std::string&)>& eps_of);

}  // namespace octet::quant
