// load_quantized: the int8 model that a state dict of torch.ao.nn.quantized modules is, as
// torchvision.models.quantization has them (quantize=True). Nothing is calibrated: integers of
// weights, scales and zero points are the file's.
//
//   auto prepared = quant::load_quantized(model, example, load_quantized_state_dict_file(path));
//   engine::Program int8 = quant::convert(*prepared).program;
//
// What the file has of a layer at path P of the float model, whose batch norm and relu PyTorch has
// folded into it:
//   P.weight, P.bias                  of a convolution: qint8 with zero points 0, one scale or one
//                                     per output channel; floats
//   P._packed_params._packed_params   of a linear layer: both in one tuple. In older files
//                                     P._packed_params.weight and .bias, or as of a convolution
//   P.scale, P.zero_point             of its output, quint8
//   P.NAME.scale, P.NAME.zero_point   of what a module at P adds or puts together itself, by its
//                                     FloatFunctional (skip_add, add_relu, cat; skip_mul); of
//                                     several (myop1, myop2) in the order of their numbers; 1 and 0
//                                     of one that never ran
//   quant.scale, quant.zero_point     of the input
// Pooling and flattening keep what comes in; hardsigmoid gives 1/256 and 0. All names may begin
// with "module.". The state dict of a model that is trained quantization-aware, before convert(),
// is taken as what that makes of it (quant/qat_state_dict.h); one of FX graph mode is refused.
#pragma once

#include <memory>

#include "nn/module.h"
#include "quant/prepare.h"
#include "tensor/quantized_state_dict.h"

namespace octet::quant {

// The prepared model takes no calibration: its observers are fixed. `model` becomes the float model
// of the same numbers: weights dequantized, batch norms that change nothing but add the bias. It
// must outlive the result. Throws octet::Error that names the layer or the tensor: what the file
// does not have, has of another shape or type, or has beside what the model is made of; a layer
// without an integer form. Then nothing was changed.
std::unique_ptr<PreparedModel> load_quantized(nn::Module& model, const Tensor& example,
                                              const QuantizedStateDict& state);

}  // namespace octet::quant
