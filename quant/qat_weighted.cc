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
#include "quant/observers/learnable_scale.h"
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
  Tensor weight_scale, output_scale;  // learned ones (LearnableScaleObserver); undefined for none
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
  parts.weight_scale = prepared.weight_observer(g)->learned_scale();
  parts.output_scale = prepared.observer(prepared.groups().alias[group.output])->learned_scale();
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

// What apply() gets: x, weight[, bias][, gamma, beta][, weight's scale][, output's scale].
std::vector<Tensor> inputs_of(const Parts& parts, const Tensor& x) {
  std::vector<Tensor> inputs{x, parts.weight};
  for (const Tensor& t :
       {parts.bias, parts.gamma, parts.beta, parts.weight_scale, parts.output_scale})
    if (t.defined()) inputs.push_back(t);
  return inputs;
}

struct PartGradients {
  Tensor x, weight, bias, gamma, beta, weight_scale, output_scale;
};

// In the order of inputs_of.
std::vector<Tensor> in_order(const Parts& parts, const PartGradients& g) {
  std::vector<Tensor> gradients{g.x, g.weight};
  if (parts.bias.defined()) gradients.push_back(g.bias);
  if (parts.gamma.defined()) gradients.push_back(g.gamma);
  if (parts.beta.defined()) gradients.push_back(g.beta);
  if (parts.weight_scale.defined()) gradients.push_back(g.weight_scale);
  if (parts.output_scale.defined()) gradients.push_back(g.output_scale);
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

// Of a learned weight scale, with LSQ's factor (quant/observers/learnable_scale.h); undefined when
// there is none. f[o] stands before the quantization, and 1 / divisor[o] behind it.
Tensor weight_scale_gradient(const Parts& parts, const WeightGradients& gradients,
                             const std::vector<float>& scale, const std::vector<float>& f,
                             const std::vector<float>& divisor, const QuantRange& range) {
  const Tensor& learned = parts.weight_scale;
  if (!learned.defined()) return {};
  Tensor ds = Tensor::zeros(learned.shape());
  const int64_t rows = static_cast<int64_t>(scale.size());
  for (int64_t o = 0; o < rows; ++o) {
    const size_t i = static_cast<size_t>(o);
    const double front = f.empty() ? 1.0 : double{f[i]};
    const double behind = divisor.empty() ? 1.0 : double{divisor[i]};
    const double d = (gradients.dq_dot_q[i] - gradients.g_dot_w[i] * front / scale[i]) / behind;
    ds.data<float>()[learned.elements() == 1 ? 0 : o] += static_cast<float>(d);
  }
  const double elements =
      static_cast<double>(parts.weight.elements()) / static_cast<double>(learned.elements());
  const float factor = lsq_gradient_factor(elements, range);
  for (float& v : ds.values<float>()) v *= factor;
  return ds;
}

// Of a learned output scale: d loss / d s of s * (clamp(round(v / s) + zero_point) - zero_point).
// v = x * scale + shift (null: x) in units of `unit`.
Tensor output_scale_gradient(const Parts& parts, const Tensor& dy, const Tensor& x,
                             const kernels::batch_norm_f32::Affine& affine, const QParams& qparams,
                             float unit) {
  if (!parts.output_scale.defined()) return {};
  const int64_t channels = x.dim(x.rank() - 1);
  const float inverse = 1.0f / qparams.scale;
  double sum = 0;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const int64_t c = i % channels;
    float v = affine.scale ? std::fma(x.data<float>()[i], affine.scale[c], affine.shift[c])
                           : x.data<float>()[i] * unit;
    const bool clamped = !(v > affine.lo && v < affine.hi);
    v = std::min(std::max(v, affine.lo), affine.hi);
    const QParams wide{qparams.scale, qparams.zero_point, qparams.quant_min - 1,
                       qparams.quant_max + 1};
    const int32_t q = quantize_value(v, inverse, wide);
    const int32_t inside = std::clamp(q, qparams.quant_min, qparams.quant_max);
    double d = inside - qparams.zero_point;
    // Within the range only the rounding error depends on s; a real bound does not move with it.
    if (q == inside && clamped) d = 0;
    if (q == inside && !clamped) d -= double{v} * inverse;
    sum += d * dy.data<float>()[i];
  }
  const double elements = static_cast<double>(x.elements()) / static_cast<double>(x.dim(0));
  return Tensor::full(
      {1}, static_cast<float>(sum) * lsq_gradient_factor(elements, {0, qparams.quant_max}));
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
    const Tensor output_scale = output_scale_gradient(parts_, args.dy[0], pass.x,
                                                      pass.affine(parts_.range), qparams_, 1.0f);
    nn::BatchNormPass::Gradients norm = pass.backward(args.dy[0], parts_.range, &qparams_);
    Tensor dx;
    if (args.wants(0))
      dx = nn::conv_dx(geometry, dequantize_rows(q, effective_scale_), norm.x, x.shape());
    const std::vector<float> ones(effective_scale_.size(), 1.0f);
    const Tensor dq = nn::conv_dw(geometry, integers(x, layer_.x), norm.x, parts_.weight.shape());
    norm.x = Tensor();
    const WeightGradients gradients = rows_backward(rows_, scale_, range_, dq, ones);
    if (!rows_.factor.empty()) add_factor_gradient(gradients, norm.weight);
    const Tensor weight_scale =
        weight_scale_gradient(parts_, gradients, scale_, rows_.factor, rows_.factor, range_);
    return in_order(parts_, {dx, gradients.weight, norm.bias, norm.weight, norm.bias, weight_scale,
                             output_scale});
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
    const QParams& y = output();
    const Tensor output_scale = output_scale_gradient(
        parts_, args.dy[0], v,
        {.scale = nullptr, .shift = nullptr, .lo = parts_.range.lo, .hi = parts_.range.hi}, y,
        y.scale);
    const Gradient g = through_output(args.dy[0], v);
    Tensor dx;
    if (args.wants(0)) {
      dx = nn::conv_dx(geometry, dequantize_rows(q, plan_.layer.quantization->weight_scale), g.conv,
                       x.shape());
    }
    const Tensor dq = nn::conv_dw(geometry, integers(x, layer_.x), g.conv, parts_.weight.shape());
    PartGradients gradients = weight_gradients(q, dq, g.bias);
    gradients.x = dx;
    gradients.output_scale = output_scale;
    return in_order(parts_, gradients);
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
  PartGradients weight_gradients(const Tensor& q, const Tensor& dq, const Tensor& db) const {
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
    return {.x = {},
            .weight = gradients.weight,
            .bias = bias,
            .gamma = gamma,
            .beta = db,
            .weight_scale = weight_scale_gradient(parts_, gradients, quantization.weight_scale,
                                                  rows.factor, {}, range),
            .output_scale = {}};
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
