// quantize_dynamic: s8 weights without calibration: activations stay f32 between layers, and those
// that a quantized layer reads are quantized when they come, each row on a scale of its own.
//
//   auto [program, layers] = quantize_dynamic(model, example, {"linear"});
//
// Weights have a scale per row, max |w| / 127. Ops with such a form: "linear", "lstm"
// (kernels/dynamic_rows.h says what their products compute) and "embedding", whose rows are
// dequantized as they are looked up.
// It pays where weights outweigh activations: one row at a time is as fast as memory brings the
// weights, of which there is a quarter.
#pragma once

#include <set>
#include <span>
#include <string>

#include "nn/module.h"
#include "quant/convert.h"

namespace octet::quant {

// ops: names of ops (nn::Op::name()); all layers of these are quantized, all others stay float, and
// the report says so. Throws octet::Error for an op that has no dynamic form, and when the model
// has none of them. example: as for nn::trace.
Conversion quantize_dynamic(nn::Module& model, const Tensor& example,
                            const std::set<std::string>& ops);
// The same for a model with several inputs.
Conversion quantize_dynamic(nn::Module& model, std::span<const Tensor> examples,
                            const std::set<std::string>& ops);

}  // namespace octet::quant
