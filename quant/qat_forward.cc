#include "quant/qat_forward.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kernels/add_u8_grad.h"
#include "nn/op_support.h"
#include "quant/layer_plan.h"
#include "quant/qat_products.h"
#include "quant/qat_weighted.h"
#include "quant/quantize_ops.h"
#include "quant/run_layer.h"
#include "tensor/backward.h"
#include "tensor/tape.h"
#include "tensor/threads.h"

namespace octet::quant {
namespace {

namespace add_u8_grad = kernels::add_u8_grad;
using nn::QuantRole;

// A quantized layer without weights: forward by the engine's instructions, backward by the float
// ops on the dequantized inputs, which are computed anew then.
class LayerOp : public TapeOp {
 public:
  LayerOp(const PreparedModel& prepared, const ModelPlan& plan, size_t group)
      : prepared_(prepared), plan_(plan), group_(group) {
    for (int input : layer().inputs) x_.push_back(*plan.qparams[prepared.groups().alias[input]]);
    if (plan.layers[group].layer.quantization) y_ = plan.layers[group].layer.quantization->output;
  }
  const char* name() const override { return op().name(); }

  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return {run_layer(prepared_, plan_, group_, inputs, RunBy::kernels)};
  }

  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Recording recording;
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < args.saved.size(); ++i) {
      inputs.push_back(dequantize_values(args.saved[i], x_[i]));
      inputs.back().set_requires_grad();
    }
    const Tensor y = run_layer_in_float(prepared_, group_, inputs);
    const bool observed = op().quant_role() == QuantRole::observed;
    octet::backward(y, observed ? pass_straight_through(args.dy[0], y, y_) : args.dy[0]);
    std::vector<Tensor> gradients;
    for (const Tensor& input : inputs) gradients.push_back(input.grad());
    return gradients;
  }

 private:
  const nn::LayerGroup& layer() const { return prepared_.groups().groups[group_]; }
  const nn::Op& op() const { return *prepared_.graph().nodes[layer().main].op; }

  const PreparedModel& prepared_;
  const ModelPlan& plan_;  // alive during forward() only
  size_t group_;
  std::vector<QParams> x_;
  QParams y_;
};

// An addition: its gradient is the same for both inputs, and neither pass needs them as floats.
class SumOp : public TapeOp {
 public:
  SumOp(const PreparedModel& prepared, const ModelPlan& plan, size_t group)
      : layer_(prepared, plan, group), params_(sum_params(prepared, plan, group)) {
    params_.y = plan.layers[group].layer.quantization->output;
  }
  const char* name() const override { return layer_.name(); }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    return layer_.forward(inputs);
  }
  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Tensor &a = args.saved[0], &b = args.saved[1], &dy = args.dy[0];
    const Tensor dx = nn::result_like(dy);
    nn::run_elements(dy.elements(), [&](size_t begin, size_t n) {
      add_u8_grad::backward(params_, a.data<uint8_t>() + begin, b.data<uint8_t>() + begin,
                            dy.data<float>() + begin, dx.data<float>() + begin, n);
    });
    return {dx, dx};
  }

  // Without y, which is not known before the range is.
  static add_u8_grad::Params sum_params(const PreparedModel& prepared, const ModelPlan& plan,
                                        size_t group) {
    const nn::LayerGroup& layer = prepared.groups().groups[group];
    add_u8_grad::Params params;
    params.a = *plan.qparams[prepared.groups().alias[layer.inputs[0]]];
    params.b = *plan.qparams[prepared.groups().alias[layer.inputs[1]]];
    for (int follower : layer.followers)
      if (const auto range = prepared.graph().nodes[follower].op->activation())
        params.lo = range->lo, params.hi = range->hi;
    return params;
  }

 private:
  LayerOp layer_;
  add_u8_grad::Params params_;
};

// The real range of a sum, in pieces that threads share.
ValueRange range_of_sum(const add_u8_grad::Params& params, const Tensor& a, const Tensor& b) {
  std::vector<ValueRange> ranges(default_pool().threads());
  constexpr size_t kBlock = 1 << 14;
  const size_t n = static_cast<size_t>(a.elements());
  default_pool()((n + kBlock - 1) / kBlock, [&](size_t begin, size_t end, unsigned thread) {
    const size_t first = begin * kBlock;
    const auto [min, max] =
        add_u8_grad::range(params, a.data<uint8_t>() + first, b.data<uint8_t>() + first,
                           std::min(end * kBlock, n) - first);
    ranges[thread] = merge(ranges[thread], {min, max});
  });
  ValueRange all;
  for (const ValueRange& range : ranges) all = merge(all, range);
  return all;
}

// A value of the graph in one or both forms.
struct Forms {
  Tensor f32, u8;
};

class Pass {
 public:
  explicit Pass(PreparedModel& prepared)
      : prepared_(prepared),
        graph_(prepared.graph()),
        groups_(prepared.groups()),
        plan_(begin_plan(prepared)),
        values_(graph_.values.size()),
        last_reader_(graph_.values.size()),
        dropped_(graph_.values.size()) {
    if (prepared.is_training()) {
      for (const nn::GraphNode& node : graph_.nodes)
        if (node.op->is_identity()) dropped_[node.outputs[0]] = &node;
    }
    for (size_t g = 0; g < groups_.groups.size(); ++g)
      for (int value : groups_.groups[g].inputs) last_reader_[groups_.alias[value]] = g;
    last_reader_[groups_.alias[graph_.outputs[0]]] = groups_.groups.size();
  }

  Tensor run(const Tensor& x) {
    values_[groups_.alias[graph_.inputs[0]]].f32 = x;
    for (size_t g = 0; g < groups_.groups.size(); ++g) {
      const nn::GraphNode& node = graph_.nodes[groups_.groups[g].main];
      const PathScope scope(node.path);
      try {
        run_group(g, node.op->quant_role());
      } catch (const Error& error) {
        const std::string text = error.what();
        fail(text.starts_with(node.path) ? "" : node.path + ": ", text);
      }
      for (int value : groups_.groups[g].inputs)
        if (last_reader_[groups_.alias[value]] == g) values_[groups_.alias[value]] = {};
    }
    return as(graph_.outputs[0], DType::f32);
  }

 private:
  void run_group(size_t g, QuantRole role) {
    const nn::LayerGroup& group = groups_.groups[g];
    Forms& output = values_[groups_.alias[group.output]];
    if (role == QuantRole::stub || role == QuantRole::destub) {
      output.f32 = as(group.raw_inputs[0], DType::f32);
    } else if (!prepared_.is_quantized(g)) {
      output.f32 = run_layer_in_float(prepared_, g, inputs_of(group, DType::f32));
    } else if (prepared_.weight_observer(g) != nullptr) {
      output.u8 = run_weighted(g, as(group.raw_inputs[0], DType::u8));
    } else {
      output.u8 = run_other(g, role);
    }
  }

  Tensor run_weighted(size_t g, const Tensor& x) {
    const nn::LayerGroup& group = groups_.groups[g];
    const int output = groups_.alias[group.output];
    const QatLayer layer{prepared_, g, *plan_.qparams[groups_.alias[group.inputs[0]]]};
    if (observes(output) || observes(*prepared_.weight_observer(g)) ||
        has_batch_statistics(group)) {
      QParams y;
      const Tensor result = qat_weighted(layer, x, y);
      plan_.qparams[output] = y;
      return result;
    }
    plan_.qparams[output] = prepared_.qparams(output);
    plan_layer(prepared_, g, plan_);
    return qat_weighted_frozen(layer, plan_.layers[g], x);
  }

  Tensor run_other(size_t g, QuantRole role) {
    const nn::LayerGroup& group = groups_.groups[g];
    const int output = groups_.alias[group.output];
    // First of all: it also quantizes, and observes, what comes from outside.
    std::vector<Tensor> integers = inputs_of(group, DType::u8);
    if (role == QuantRole::observed) {
      Observer& observer = *prepared_.observer(output);
      if (observes(output) && is_sum(group) && observer.takes_ranges()) {
        const auto params = SumOp::sum_params(prepared_, plan_, g);
        const ValueRange range = range_of_sum(params, integers[0], integers[1]);
        observer.observe_ranges({&range, 1});
      } else if (observes(output)) {
        std::vector<Tensor> inputs;
        for (size_t i = 0; i < integers.size(); ++i) {
          const int value = groups_.alias[group.inputs[i]];
          inputs.push_back(dequantize_values(integers[i], *plan_.qparams[value]));
        }
        observer.observe(run_layer_in_float(prepared_, g, inputs));
      }
      plan_.qparams[output] = prepared_.qparams(output);
    }
    plan_layer(prepared_, g, plan_);
    if (has_products(prepared_, g)) return qat_products(prepared_, plan_, g, integers);
    std::shared_ptr<const TapeOp> op;
    if (is_sum(group)) {
      op = std::make_shared<SumOp>(prepared_, plan_, g);
    } else {
      op = std::make_shared<LayerOp>(prepared_, plan_, g);
    }
    return apply_one(std::move(op), std::move(integers));
  }

  bool is_sum(const nn::LayerGroup& group) const {
    return graph_.nodes[group.main].op->is_elementwise_sum() && group.inputs.size() == 2;
  }

  bool observes(const Observer& observer) const {
    return (prepared_.is_training() && prepared_.observer_enabled()) || observer.never_observed();
  }
  bool observes(int value) const { return observes(*prepared_.observer(value)); }

  bool has_batch_statistics(const nn::LayerGroup& group) const {
    if (!prepared_.is_training() || prepared_.bn_frozen()) return false;
    for (int follower : group.followers)
      if (graph_.nodes[follower].op->batch_norm() != nullptr) return true;
    return false;
  }

  std::vector<Tensor> inputs_of(const nn::LayerGroup& group, DType dtype) {
    std::vector<Tensor> inputs;
    for (int value : group.raw_inputs) inputs.push_back(as(value, dtype));
    return inputs;
  }

  // What a group reads: the value that it stands for, or in training what dropout leaves of it.
  Tensor as(int raw_value, DType dtype) {
    const nn::GraphNode* node = dropped_[raw_value];
    if (node == nullptr) return undropped(groups_.alias[raw_value], dtype);
    const std::shared_ptr<const nn::Op> op = node->op->in_training();
    if (op == nullptr) return as(node->inputs[0], dtype);
    Forms& have = values_[raw_value];
    if (dtype == DType::u8 && !have.u8.defined()) {
      as(node->inputs[0], DType::u8);  // observes, where nothing has
      have.u8 = quantize(as(raw_value, DType::f32), *plan_.qparams[groups_.alias[raw_value]]);
    }
    if (dtype == DType::f32 && !have.f32.defined())
      have.f32 = apply_one(op, {as(node->inputs[0], DType::f32)});
    return dtype == DType::u8 ? have.u8 : have.f32;
  }

  Tensor undropped(int value, DType dtype) {
    Forms& have = values_[value];
    if (dtype == DType::u8 && !have.u8.defined()) {
      Observer& observer = *prepared_.observer(value);
      if (observes(observer)) observer.observe(have.f32);
      plan_.qparams[value] = prepared_.qparams(value);
      have.u8 = quantize(have.f32, *plan_.qparams[value]);
    }
    if (dtype == DType::f32 && !have.f32.defined())
      have.f32 = dequantize(have.u8, *plan_.qparams[value]);
    return dtype == DType::u8 ? have.u8 : have.f32;
  }

  PreparedModel& prepared_;
  const nn::Graph& graph_;
  const nn::GroupedGraph& groups_;
  ModelPlan plan_;
  std::vector<Forms> values_;
  std::vector<size_t> last_reader_;  // by value: the last group that reads it
  // By value: the op that made it and that graphs leave out, in training.
  std::vector<const nn::GraphNode*> dropped_;
};

}  // namespace

Tensor qat_forward(PreparedModel& prepared, const Tensor& x) {
  OCTET_CHECK(prepared.graph().inputs.size() == 1, "quantization-aware training: the model has ",
              prepared.graph().inputs.size(), " inputs, expects one");
  return Pass(prepared).run(x);
}

}  // namespace octet::quant
