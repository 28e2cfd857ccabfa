#include "quant/qat_weighted.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "kernels/requantize.h"
#include "nn/batch_norm.h"
#include "nn/conv_kernels.h"
#include "nn/lower_weighted.h"
#include "nn/op_support.h"
#include "quant/weight_quantization.h"

namespace octet::quant {
namespace {

using kernels::Conv2dGeometry;
using nn::ClampRange;

// The tensors and ops of a group with weights.
struct Parts {
  const nn::Op* op = nullptr;
  Tensor weight, bias;                               // bias undefined for none
  const nn::BatchNormOptions* batch_norm = nullptr;  // null for none
  Tensor gamma, beta, running_mean, running_var;
  ClampRange range;
};

Parts parts_of(const PreparedModel& prepared, size_t g) {
  const nn::Graph& graph = prepared.graph();
  const nn::LayerGroup& group = prepared.groups().groups[g];
  const nn::GraphNode& main = graph.nodes[group.main];
  const auto constant = [&](const nn::GraphNode& node, size_t i) {
    return i < node.inputs.size() ? graph.values[node.inputs[i]].constant : Tensor();
  };
  Parts parts;
  parts.op = main.op.get();
  parts.weight = constant(main, 1);
  parts.bias = constant(main, 2);
  for (int follower : group.followers) {
    const nn::GraphNode& node = graph.nodes[follower];
    if (const auto range = node.op->activation()) parts.range = *range;
    parts.batch_norm = node.op->batch_norm() ? node.op->batch_norm() : parts.batch_norm;
    if (node.op->batch_norm() == nullptr) continue;
    parts.gamma = constant(node, 1);
    parts.beta = constant(node, 2);
    parts.running_mean = constant(node, 3);
    parts.running_var = constant(node, 4);
  }
  return parts;
}

// What apply() gets: x, weight[, bias][, gamma, beta].
std::vector<Tensor> inputs_of(const Parts& parts, const Tensor& x) {
  std::vector<Tensor> inputs{x, parts.weight};
  for (const Tensor& t : {parts.bias, parts.gamma, parts.beta})
    if (t.defined()) inputs.push_back(t);
  return inputs;
}

// Gradients in the order of inputs_of.
std::vector<Tensor> in_order(const Parts& parts, Tensor x, Tensor weight, Tensor bias, Tensor gamma,
                             Tensor beta) {
  std::vector<Tensor> gradients{std::move(x), std::move(weight)};
  if (parts.bias.defined()) gradients.push_back(std::move(bias));
  if (parts.gamma.defined()) gradients.push_back(std::move(gamma));
  if (parts.beta.defined()) gradients.push_back(std::move(beta));
  return gradients;
}

Shape output_shape(const Tensor& x, const Conv2dGeometry& g) {
  if (x.rank() != 4) {
    Shape shape = x.shape();
    shape[x.rank() - 1] = static_cast<int64_t>(g.out_c);
    return shape;
  }
  return {x.dim(0), static_cast<int64_t>(g.out_h), static_cast<int64_t>(g.out_w),
          static_cast<int64_t>(g.out_c)};
}

kernels::ConvInput integers(const Tensor& x, const QParams& qparams) {
  return {.f32 = nullptr,
          .u8 = x.data<uint8_t>(),
          .scale = qparams.scale,
          .zero_point = qparams.zero_point};
}

// Shows ranges of rows to an observer: one by one, or their union.
void observe_rows(Observer& observer, const std::vector<ValueRange>& rows) {
  if (observer.ch_axis()) {
    observer.observe_ranges(rows);
    return;
  }
  ValueRange all;
  for (const ValueRange& row : rows) all = merge(all, row);
  observer.observe_ranges({&all, 1});
}

std::vector<float> scales_of(const Observer& observer, int64_t rows) {
  const std::vector<QParams> qparams = observer.qparams();
  std::vector<float> scales;
  for (int64_t o = 0; o < rows; ++o)
    scales.push_back(qparams[qparams.size() == 1 ? 0 : static_cast<size_t>(o)].scale);
  return scales;
}

// The range of clamp(x * scale + shift), x per channel in [min, max].
ValueRange range_behind(const nn::BatchNormPass& pass, const Tensor& min, const Tensor& max,
                        const ClampRange& range) {
  ValueRange all;
  for (int64_t c = 0; c < min.dim(0); ++c) {
    const float scale = pass.scale.data<float>()[c], shift = pass.shift.data<float>()[c];
    for (const Tensor& end : {min, max}) {
      const float v = std::fma(end.data<float>()[c], scale, shift);
      OCTET_CHECK(std::isfinite(v), "a value is ", v);
      const float clamped = std::min(std::max(v, range.lo), range.hi);
      all = merge(all, {clamped, clamped});
    }
  }
  return all;
}

// The first form.
class TrainedOp : public TapeOp {
 public:
  TrainedOp(const QatLayer& layer, Parts parts, QParams& output)
      : layer_(layer), parts_(std::move(parts)), output_(output) {}
  const char* name() const override { return parts_.op->name(); }

  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    std::vector<Tensor> saved;
    return forward_saving(inputs, saved);
  }

  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override {
    const Tensor& x = inputs[0];
    const Conv2dGeometry geometry = parts_.op->conv_geometry(x, parts_.weight);
    const Tensor q = quantize_weight();
    const Tensor conv = convolve(geometry, x, q);
    pass_ = batch_norm(conv);
    observe_output(conv);
    qparams_ = output_;
    saved = {x, conv, q};
    const Tensor y = nn::channel_apply(conv, pass_.affine(parts_.range), qparams_);
    pass_.x = Tensor();  // saved frees it
    return {y};
  }

  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Tensor &x = args.saved[0], &q = args.saved[2];
    const Conv2dGeometry geometry = parts_.op->conv_geometry(x, parts_.weight);
    nn::BatchNormPass pass = pass_;
    pass.x = args.saved[1];
    nn::BatchNormPass::Gradients norm = pass.backward(args.dy[0], parts_.range, &qparams_);
    Tensor dx;
    if (args.wants(0))
      dx = nn::conv_dx(geometry, dequantize_rows(q, effective_scale_), norm.x, x.shape());
    const std::vector<float> ones(effective_scale_.size(), 1.0f);
    const Tensor dq = nn::conv_dw(geometry, integers(x, layer_.x), norm.x, parts_.weight.shape());
    norm.x = Tensor();
    const WeightGradients gradients = rows_backward(rows_, scale_, range_, dq, ones);
    if (!rows_.factor.empty()) add_factor_gradient(gradients, norm.weight);
    return in_order(parts_, dx, gradients.weight, norm.bias, norm.weight, norm.bias);
  }

 private:
  // Batch norm's factors from the running statistics; none without batch norm.
  std::vector<float> factors() const {
    std::vector<float> factors;
    if (parts_.batch_norm == nullptr) return factors;
    for (int64_t c = 0; c < parts_.gamma.dim(0); ++c) {
      const float inverse =
          1.0f / std::sqrt(parts_.running_var.data<float>()[c] + parts_.batch_norm->eps);
      const float f = parts_.gamma.data<float>()[c] * inverse;
      // Any factor does where batch norm multiplies by 0.
      factors.push_back(f == 0.0f ? 1.0f : f);
      running_inverse_std_.push_back(inverse);
    }
    return factors;
  }

  Tensor quantize_weight() const {
    running_inverse_std_.clear();
    rows_ = {parts_.weight, factors()};
    Observer& observer = *layer_.prepared.weight_observer(layer_.group);
    if (layer_.prepared.observer_enabled() || observer.never_observed())
      observe_rows(observer, row_ranges(rows_));
    scale_ = scales_of(observer, parts_.weight.dim(0));
    range_ = observer.options().range;
    effective_scale_ = scale_;
    for (size_t o = 0; o < rows_.factor.size(); ++o) effective_scale_[o] /= rows_.factor[o];
    return quantize_rows(rows_, scale_, range_);
  }

  Tensor convolve(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& q) const {
    // |sum| <= taps * 255 * 127.
    OCTET_CHECK(geometry.taps() < size_t{1} << 16, name(), ": ", geometry.taps(),
                " products per output, 32 bits hold the sum of 65535");
    Tensor multiplier = Tensor::empty({q.dim(0)});
    for (int64_t o = 0; o < q.dim(0); ++o)
      multiplier.data<float>()[o] = layer_.x.scale * effective_scale_[static_cast<size_t>(o)];
    const nn::IntegerWeights weights{q, Tensor::zeros({q.dim(0)}, DType::s32), multiplier};
    return nn::conv_forward(geometry, x, layer_.x.zero_point, weights, output_shape(x, geometry));
  }

  nn::BatchNormPass batch_norm(const Tensor& conv) const {
    const Shape channels{parts_.weight.dim(0)};
    if (parts_.batch_norm == nullptr) {
      return {.x = conv,
              .mean = Tensor::zeros(channels),
              .inverse_std = Tensor::full(channels, 1.0f),
              .scale = Tensor::full(channels, 1.0f),
              .shift = parts_.bias.defined() ? parts_.bias.clone() : Tensor::zeros(channels),
              .training = false,
              .min = {},
              .max = {}};
    }
    // A bias before batch norm only moves the mean.
    OCTET_CHECK(!parts_.bias.defined(), name(),
                ": a bias before batch norm has no quantization-aware form; remove it");
    nn::BatchNormPass pass = nn::batch_norm_pass(
        *parts_.batch_norm, !layer_.prepared.bn_frozen(),
        {conv, parts_.gamma, parts_.beta, parts_.running_mean, parts_.running_var});
    if (!pass.training) pass.mean = pass.mean.clone();
    return pass;
  }

  void observe_output(const Tensor& conv) const {
    const int output = layer_.prepared.groups().groups[layer_.group].output;
    Observer& observer = *layer_.prepared.observer(layer_.prepared.groups().alias[output]);
    if (layer_.prepared.observer_enabled() || observer.never_observed()) {
      if (!observer.takes_ranges()) {
        observer.observe(nn::channel_apply(conv, pass_.affine(parts_.range)));
      } else {
        Tensor min = pass_.min, max = pass_.max;
        if (!min.defined()) {
          const nn::ChannelMoments moments = nn::channel_moments(conv);
          min = moments.min, max = moments.max;
        }
        const ValueRange range = range_behind(pass_, min, max, parts_.range);
        observer.observe_ranges({&range, 1});
      }
    }
    output_ = observer.qparams().front();
  }

  // f stands before and, as 1 / f, behind the quantization: only its error has a gradient.
  //   d f = sum_k dw_eff[k] * (passed(w[k]) - w_eff[k]) / f,   d gamma = d f / running_std
  void add_factor_gradient(const WeightGradients& gradients, const Tensor& gamma) const {
    for (size_t o = 0; o < rows_.factor.size(); ++o) {
      const double error =
          gradients.g_dot_w[o] - gradients.dq_dot_q[o] * double{effective_scale_[o]};
      gamma.data<float>()[o] +=
          static_cast<float>(error / rows_.factor[o] * running_inverse_std_[o]);
    }
  }

  QatLayer layer_;
  Parts parts_;
  QParams& output_;  // where the caller finds the result's
  // Of the one pass that this object makes; what is large is saved by the tape.
  mutable QParams qparams_;
  mutable nn::BatchNormPass pass_;
  mutable WeightRows rows_;
  mutable std::vector<float> scale_, effective_scale_, running_inverse_std_;
  mutable QuantRange range_;
};

// The second form: y = clamp(round(v) + zero_point), v = f32(acc) * multiplier.
class FrozenOp : public TapeOp {
 public:
  FrozenOp(const QatLayer& layer, Parts parts, const LayerPlan& plan)
      : layer_(layer), parts_(std::move(parts)), plan_(plan) {}
  const char* name() const override { return parts_.op->name(); }

  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override {
    std::vector<Tensor> saved;
    return forward_saving(inputs, saved);
  }

  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override {
    const Tensor& x = inputs[0];
    const nn::Lowering& folded = plan_.layer;
    const Conv2dGeometry geometry = parts_.op->conv_geometry(x, parts_.weight);
    const Tensor q = nn::quantize_weight(folded.weight, *folded.quantization);
    Tensor multiplier = Tensor::empty({q.dim(0)});
    for (int64_t o = 0; o < q.dim(0); ++o)
      multiplier.data<float>()[o] =
          kernels::requantize_multiplier(layer_.x.scale, scale(o), output().scale);
    const nn::IntegerWeights weights{q, nn::quantize_bias(folded, layer_.x.scale), multiplier};
    const Tensor v =
        nn::conv_forward(geometry, x, layer_.x.zero_point, weights, output_shape(x, geometry));
    saved = {x, v, q};
    return {nn::channel_apply(v, {.scale = nullptr, .shift = nullptr}, integer_range())};
  }

  std::vector<Tensor> backward(const BackwardArgs& args) const override {
    const Tensor &x = args.saved[0], &v = args.saved[1], &q = args.saved[2];
    const Conv2dGeometry geometry = parts_.op->conv_geometry(x, parts_.weight);
    const Gradient g = through_output(args.dy[0], v);
    Tensor dx;
    if (args.wants(0)) {
      dx = nn::conv_dx(geometry, dequantize_rows(q, plan_.layer.quantization->weight_scale), g.conv,
                       x.shape());
    }
    const Tensor dq = nn::conv_dw(geometry, integers(x, layer_.x), g.conv, parts_.weight.shape());
    return weight_gradients(q, dq, g.bias, dx);
  }

 private:
  struct Gradient {
    Tensor conv, bias;
  };

  float scale(int64_t o) const {
    return plan_.layer.quantization->weight_scale[static_cast<size_t>(o)];
  }
  const QParams& output() const { return plan_.layer.quantization->output; }

  // v is in steps of the output's scale; the activation is folded into the integer bounds, as the
  // engine has it.
  QParams integer_range() const {
    QParams range{1.0f, output().zero_point, output().quant_min, output().quant_max};
    const float inverse = 1.0f / output().scale;
    const ClampRange& real = parts_.range;
    if (std::isfinite(real.lo)) range.quant_min = quantize_value(real.lo, inverse, output());
    if (std::isfinite(real.hi)) range.quant_max = quantize_value(real.hi, inverse, output());
    return range;
  }

  Gradient through_output(const Tensor& dy, const Tensor& v) const {
    const Shape channels{parts_.weight.dim(0)};
    const Tensor zeros = Tensor::zeros(channels), ones = Tensor::full(channels, 1.0f);
    const QParams steps{1.0f, output().zero_point, output().quant_min, output().quant_max};
    const kernels::batch_norm_f32::Gate gate{{.scale = nullptr,
                                              .shift = nullptr,
                                              .lo = parts_.range.lo / output().scale,
                                              .hi = parts_.range.hi / output().scale},
                                             &steps};
    const nn::ChannelSums sums = nn::channel_sums(dy, v, gate, zeros);
    const float *zero = zeros.data<float>(), *one = ones.data<float>();
    return {nn::channel_backward(dy, v, gate, zeros, {one, zero, zero}), sums.g};
  }

  // From those of the folded layer: w' = w * s, b' = b * s + beta - mean * s, s = gamma / std.
  std::vector<Tensor> weight_gradients(const Tensor& q, const Tensor& dq, const Tensor& db,
                                       const Tensor& dx) const {
    const int64_t channels = q.dim(0);
    const nn::LayerQuantization& quantization = *plan_.layer.quantization;
    const QuantRange range{quantization.weight_quant_min, quantization.weight_quant_max};
    std::vector<float> s(static_cast<size_t>(channels), 1.0f), inverse_std = s;
    for (size_t c = 0; c < s.size() && parts_.batch_norm != nullptr; ++c) {
      inverse_std[c] =
          1.0f / std::sqrt(parts_.running_var.data<float>()[c] + parts_.batch_norm->eps);
      s[c] = parts_.gamma.data<float>()[c] * inverse_std[c];
    }
    const WeightRows rows{parts_.weight, parts_.batch_norm ? s : std::vector<float>()};
    const WeightGradients gradients = rows_backward(rows, quantization.weight_scale, range, dq, s);
    Tensor bias, gamma;
    if (parts_.bias.defined()) bias = Tensor::empty({channels});
    if (parts_.gamma.defined()) gamma = Tensor::empty({channels});
    for (int64_t c = 0; c < channels; ++c) {
      const size_t i = static_cast<size_t>(c);
      const float b = parts_.bias.defined() ? parts_.bias.data<float>()[c] : 0.0f;
      if (bias.defined()) bias.data<float>()[c] = db.data<float>()[c] * s[i];
      if (!gamma.defined()) continue;
      const double ds =
          gradients.g_dot_w[i] +
          double{db.data<float>()[c]} * (double{b} - parts_.running_mean.data<float>()[c]);
      gamma.data<float>()[c] = static_cast<float>(ds * inverse_std[i]);
    }
    return in_order(parts_, dx, gradients.weight, bias, gamma, db);
  }

  QatLayer layer_;
  Parts parts_;
  LayerPlan plan_;
};

}  // namespace

Tensor qat_weighted(const QatLayer& layer, const Tensor& x, QParams& output) {
  Parts parts = parts_of(layer.prepared, layer.group);
  std::vector<Tensor> inputs = inputs_of(parts, x);
  return apply_one(std::make_shared<TrainedOp>(layer, std::move(parts), output), std::move(inputs));
}

Tensor qat_weighted_frozen(const QatLayer& layer, const LayerPlan& plan, const Tensor& x) {
  Parts parts = parts_of(layer.prepared, layer.group);
  std::vector<Tensor> inputs = inputs_of(parts, x);
  return apply_one(std::make_shared<FrozenOp>(layer, std::move(parts), plan), std::move(inputs));
}

}  // namespace octet::quant
