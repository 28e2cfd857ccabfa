#include "quant/qat_products.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "nn/lower_weighted.h"
#include "quant/quantize_ops.h"
#include "quant/run_layer.h"
#include "quant/weight_quantization.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet::quant {
namespace {

const nn::GraphNode& node_of(const PreparedModel& prepared, size_t group) {
  return prepared.graph().nodes[prepared.groups().groups[group].main];
}

// Inputs: those of the layer's op, activations u8.
class ProductsOp : public TapeOp {
 public:
  ProductsOp(const PreparedModel& prepared, const ModelPlan& plan, size_t group)
      : prepared_(prepared),
        plan_(plan),
        group_(group),
        op_(node_of(prepared, group).op),
        quantization_(*plan.layers[group].layer.quantization),
        weight_scales_(plan.layers[group].layer.weight_scales) {
    for (const int input : node_of(prepared, group).inputs)
      x_.push_back(plan.qparams[prepared.groups().alias[input]].value_or(QParams()));
  }
  const char* name() const override { return op_->name(); }

  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    std::vector<Tensor> activations;
    for (const Tensor& input : inputs)
      if (input.dtype() == DType::u8) activations.push_back(input);
    return {run_layer(prepared_, plan_, group_, activations, RunBy::kernels)};
  }

  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Recording recording;
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < args.saved.size(); ++i) {
      inputs.push_back(as_float(i, args.saved[i]));
      if (args.wants(i)) inputs.back().set_requires_grad();
    }
    const Tensor y = octet::apply(op_->on_grid(quantization_.output), inputs).front();
    octet::backward(y, args.dy[0]);
    std::vector<Tensor> gradients;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Tensor gradient = args.wants(i) ? inputs[i].grad() : Tensor();
      if (gradient.defined() && is_weight(i)) gradient = weight_gradient(args.saved[i], gradient);
      gradients.push_back(std::move(gradient));
    }
    return gradients;
  }

 private:
  bool is_weight(size_t input) const {
    const std::vector<size_t> weights = op_->weight_inputs();
    return std::find(weights.begin(), weights.end(), input) != weights.end();
  }

  // What the integers stand for, as a leaf of its own.
  Tensor as_float(size_t i, const Tensor& input) const {
    if (input.dtype() == DType::u8) return dequantize_values(input, x_[i]);
    if (!is_weight(i)) return input.clone();
    nn::LayerQuantization quantization;
    quantization.weight_scale = weight_scales_(input);
    return dequantize_rows(nn::quantize_weight(input, quantization), quantization.weight_scale);
  }

  Tensor weight_gradient(const Tensor& weight, const Tensor& gradient) const {
    const nn::LayerQuantization quantization;
    const std::vector<float> ones(static_cast<size_t>(weight.dim(0)), 1.0f);
    return rows_backward({weight, {}}, weight_scales_(weight),
                         {quantization.weight_quant_min, quantization.weight_quant_max}, gradient,
                         ones)
        .weight;
  }

  const PreparedModel& prepared_;
  const ModelPlan& plan_;  // alive during forward() only
  size_t group_;
  std::shared_ptr<const nn::Op> op_;
  nn::LayerQuantization quantization_;
  std::function<std::vector<float>(const Tensor&)> weight_scales_;
  std::vector<QParams> x_;  // by input
};

}  // namespace

bool has_products(const PreparedModel& prepared, size_t group) {
  return !node_of(prepared, group).op->weight_inputs().empty();
}

Tensor qat_products(const PreparedModel& prepared, const ModelPlan& plan, size_t group,
                    std::span<const Tensor> x) {
  std::vector<Tensor> inputs;
  size_t next = 0;
  for (const int input : node_of(prepared, group).inputs) {
    const Tensor& constant = prepared.graph().values[input].constant;
    inputs.push_back(constant.defined() ? constant : x[next++]);
  }
  return apply_one(std::make_shared<ProductsOp>(prepared, plan, group), std::move(inputs));
}

}  // namespace octet::quant
