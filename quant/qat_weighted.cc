// The first form of qat_weighted.h.
#include "quant/qat_weighted.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "quant/qat_parts.h"

namespace octet::quant {
namespace {

using kernels::Conv2dGeometry;
using nn::ClampRange;

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

void add_scaled(Tensor& to, float factor, const Tensor& x) {
  for (int64_t i = 0; i < to.elements(); ++i) to.data<float>()[i] += factor * x.data<float>()[i];
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
    return in_order(parts_, {dx, gradients.weight, bias_gradient(pass, norm.bias), norm.weight,
                             norm.bias, weight_scale, output_scale});
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
    // A bias before batch norm only moves the mean: `conv` goes without it, and so does its running
    // mean.
    Tensor mean = parts_.running_mean.clone();
    if (parts_.bias.defined()) add_scaled(mean, -1.0f, parts_.bias);
    const bool training = layer_.prepared.is_training() && !layer_.prepared.bn_frozen();
    nn::BatchNormPass pass = nn::batch_norm_pass(
        *parts_.batch_norm, training, {conv, parts_.gamma, parts_.beta, mean, parts_.running_var});
    if (!pass.training) return pass;
    if (parts_.bias.defined()) add_scaled(mean, 1.0f, parts_.bias);
    std::copy_n(mean.data<float>(), mean.elements(), parts_.running_mean.data<float>());
    return pass;
  }

  // Of the bias of the convolution, from that of batch norm's, or of the layer without one.
  Tensor bias_gradient(const nn::BatchNormPass& pass, const Tensor& beta) const {
    if (!parts_.bias.defined() || parts_.batch_norm == nullptr) return beta;
    const Tensor bias = Tensor::zeros(beta.shape());
    if (pass.training) return bias;  // the batch's mean takes it out again
    for (int64_t c = 0; c < bias.elements(); ++c)
      bias.data<float>()[c] = beta.data<float>()[c] * pass.scale.data<float>()[c];
    return bias;
  }

  void observe_output(const Tensor& conv) const {
    const nn::GroupedGraph& groups = layer_.prepared.groups();
    const int output = groups.alias[groups.groups[layer_.group].output];
    Observer& observer = *layer_.prepared.observer(output);
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
    output_ = layer_.prepared.qparams(output);
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

}  // namespace

Tensor qat_weighted(const QatLayer& layer, const Tensor& x, QParams& output) {
  Parts parts = parts_of(layer.prepared, layer.group);
  std::vector<Tensor> inputs = inputs_of(parts, x);
  return apply_one(std::make_shared<TrainedOp>(layer, std::move(parts), output), std::move(inputs));
}

}  // namespace octet::quant
