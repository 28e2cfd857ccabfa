#include "engine/instructions/rows_product.h"

#include <cmath>
#include <cstdlib>

namespace octet::engine {

kernels::dynamic_rows::Params DynamicRows::read(Operands& operands, size_t at, int64_t inputs,
                                                int64_t outputs, const Value& rows) {
  operands.require_constant(at, "weight", DType::s8, {outputs, inputs});
  operands.require_constant(at + 1, "bias", DType::f32, {outputs});
  operands.require_constant(at + 2, "weight_scale", DType::f32, {outputs});
  if (!operands.ok()) return {};
  Params params;
  if (rows.qparams) params.x = *rows.qparams;
  params.inputs = static_cast<size_t>(inputs);
  params.outputs = static_cast<size_t>(outputs);
  params.weight = elements<int8_t>(operands.input(at));
  params.bias = elements<float>(operands.input(at + 1));
  params.weight_scale = elements<float>(operands.input(at + 2));
  for (size_t o = 0; o < params.outputs && operands.ok(); ++o) {
    const float scale = params.weight_scale[o];
    operands.require(std::isfinite(scale) && scale > 0.0f, "weight_scale[", o, "] is ", scale,
                     "; it must be finite and above 0");
    int64_t sum = 0;
    for (size_t k = 0; k < params.inputs; ++k)
      sum += std::abs(params.weight[o * params.inputs + k]);
    operands.require(sum * 255 <= INT32_MAX, "sums of output channel ", o, " can reach ", sum * 255,
                     ", more than 32 bits hold");
  }
  return params;
}

}  // namespace octet::engine
