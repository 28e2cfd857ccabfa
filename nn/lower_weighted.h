// Lowering of layers with weights: the constants of conv2d and linear instructions.
//
//   float:     weight f32, bias f32 (zeros when the layer has none)
//   quantized: weight s8 = quantize_value(w, 1.0f / weight_scale[o]), zero point 0;
//              weight_scale f32 [out_c];
//              bias s32 = round(b / (s_x * weight_scale[o])), in double, ties to even, within
//              +-2^30
//   dynamic:   weight s8 as above, bias f32 (zeros when the layer has none), weight_scale f32
#pragma once

#include <vector>

#include "nn/op.h"

namespace octet::nn {

// The integers of a quantized layer, as above: s8 of the weight's shape, s32 [out_c] (zeros without
// a bias). x_scale: of the layer's input.
Tensor quantize_weight(const Tensor& weight, const LayerQuantization& quantization);
Tensor quantize_bias(const Lowering& layer, float x_scale);

// A weight matrix, f32 or, where the layer has weight_scales, s8 and its weight_scale, appended to
// the layer's program as name.weight and so on.
std::vector<engine::ValueId> weight_constants(const Lowering& layer, const std::string& name,
                                              const Tensor& weight);

// The same of a product, with its bias behind the weight. bias may be undefined.
std::vector<engine::ValueId> product_constants(const Lowering& layer, const std::string& name,
                                               const Tensor& weight, const Tensor& bias);

// Appends instruction `op` with the layer's constants, its range and the given attributes.
engine::ValueId lower_weighted(const char* op, const Lowering& layer,
                               std::vector<engine::Attribute> attributes = {});

}  // namespace octet::nn
