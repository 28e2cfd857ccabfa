// The second form of qat_weighted.h.
#include <cmath>
#include <utility>

#include "kernels/requantize.h"
#include "nn/lower_weighted.h"
#include "quant/qat_parts.h"
#include "quant/qat_weighted.h"

namespace octet::quant {
namespace {

using kernels::Conv2dGeometry;
using nn::ClampRange;

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

Tensor qat_weighted_frozen(const QatLayer& layer, const LayerPlan& plan, const Tensor& x) {
  Parts parts = parts_of(layer.prepared, layer.group);
  std::vector<Tensor> inputs = inputs_of(parts, x);
  return apply_one(std::make_shared<FrozenOp>(layer, std::move(parts), plan), std::move(inputs));
}

}  // namespace octet::quant
