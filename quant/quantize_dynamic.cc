#include "quant/quantize_dynamic.h"

#include "base/error.h"
#include "nn/graph.h"
#include "quant/weight_quantization.h"

namespace octet::quant {

Conversion quantize_dynamic(nn::Module& model, const Tensor& example,
                            const std::set<std::string>& ops) {
  return quantize_dynamic(model, {&example, 1}, ops);
}

Conversion quantize_dynamic(nn::Module& model, std::span<const Tensor> examples,
                            const std::set<std::string>& ops) {
  Conversion result;
  bool any = false;
  const auto adjust = [&](const nn::GraphNode& main, nn::Lowering& layer) {
    const std::string op = main.op->name();
    const bool quantized = ops.count(op) > 0;
    OCTET_CHECK(!quantized || main.op->has_dynamic(), "quantize_dynamic: ", op, " at '", main.path,
                "' has no dynamically quantized form");
    if (quantized) layer.weight_scales = row_scales;
    any = any || quantized;
    result.layers.push_back({layer.name, op, quantized, quantized ? "" : "not asked for"});
  };
  result.program = nn::lower(nn::trace(model, examples), adjust);
  OCTET_CHECK(any, "quantize_dynamic: the model has no layer of the ops that were named");
  return result;
}

}  // namespace octet::quant
