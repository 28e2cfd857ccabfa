#include "nn/batch_norm.h"

#include <cmath>

#include "nn/lower_weighted.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

void move_running(const Tensor& running, double batch, double momentum, int64_t c) {
  float& value = running.data<float>()[c];
  value = static_cast<float>((1.0 - momentum) * value + momentum * batch);
}

// The order of torch.nn.utils.fuse_conv_bn_weights.
void set_affine(const BatchNormInputs& inputs, const Tensor& var, float eps, BatchNormPass& pass) {
  for (int64_t c = 0; c < var.dim(0); ++c) {
    const float inverse = 1.0f / std::sqrt(var.data<float>()[c] + eps);
    const float scale = inputs.weight.data<float>()[c] * inverse;
    pass.inverse_std.data<float>()[c] = inverse;
    pass.scale.data<float>()[c] = scale;
    pass.shift.data<float>()[c] = inputs.bias.data<float>()[c] - pass.mean.data<float>()[c] * scale;
  }
}

}  // namespace

BatchNormPass batch_norm_pass(const BatchNormOptions& options, bool training,
                              const BatchNormInputs& inputs) {
  const Tensor& x = inputs.x;
  const Shape& channels = inputs.weight.shape();
  BatchNormPass pass{.x = x,
                     .mean = inputs.running_mean,
                     .inverse_std = Tensor::empty(channels),
                     .scale = Tensor::empty(channels),
                     .shift = Tensor::empty(channels),
                     .training = training,
                     .min = {},
                     .max = {}};
  Tensor var = inputs.running_var;
  if (training) {
    const int64_t rows = x.elements() / channels[0];
    OCTET_CHECK(rows > 1, "batch_norm: input ", x.shape().text(),
                " has not more than 1 value per channel, which training needs");
    const ChannelMoments moments = channel_moments(x);
    pass.mean = moments.mean;
    pass.min = moments.min;
    pass.max = moments.max;
    var = moments.var;
    const double unbias = static_cast<double>(rows) / static_cast<double>(rows - 1);
    for (int64_t c = 0; c < channels[0]; ++c) {
      move_running(inputs.running_mean, moments.mean.data<float>()[c], options.momentum, c);
      move_running(inputs.running_var, moments.var.data<float>()[c] * unbias, options.momentum, c);
    }
  }
  set_affine(inputs, var, options.eps, pass);
  return pass;
}

BatchNormPass::Gradients BatchNormPass::backward(const Tensor& dy, const ClampRange& range,
                                                 const QParams* qparams) const {
  const kernels::batch_norm_f32::Gate gate{affine(range), qparams};
  const ChannelSums sums = channel_sums(dy, x, gate, mean);
  const int64_t channels = mean.dim(0);
  const float rows = static_cast<float>(x.elements() / channels);
  Gradients gradients{{}, Tensor::empty(mean.shape()), sums.g};
  // With u = inverse_std: dx = scale * (g - sum_g / rows - (x - mean) * u^2 * sum_gx / rows).
  const Tensor k2 = Tensor::zeros(mean.shape()), k3 = Tensor::zeros(mean.shape());
  for (int64_t c = 0; c < channels; ++c) {
    const float u = inverse_std.data<float>()[c];
    const float gx = sums.gx.data<float>()[c];
    gradients.weight.data<float>()[c] = gx * u;
    if (!training) continue;
    const float s = -scale.data<float>()[c] / rows;
    k2.data<float>()[c] = s * u * u * gx;
    k3.data<float>()[c] = s * sums.g.data<float>()[c];
  }
  gradients.x = channel_backward(dy, x, gate, mean,
                                 {scale.data<float>(), k2.data<float>(), k3.data<float>()});
  return gradients;
}

BatchNormOp::BatchNormOp(const BatchNormOptions& options, bool training)
    : options_(options), training_(training) {}

std::optional<ChannelAffine> BatchNormOp::channel_affine(std::span<const Tensor> inputs) const {
  const BatchNormPass pass =
      batch_norm_pass(options_, false, {{}, inputs[1], inputs[2], inputs[3], inputs[4]});
  return ChannelAffine{pass.scale, pass.shift};
}

BatchNormPass BatchNormOp::pass(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 5, 5);
  check_f32(name(), "input", inputs[0], 4);
  const char* names[] = {"weight", "bias", "running_mean", "running_var"};
  for (size_t i = 0; i < 4; ++i) check_channels(name(), names[i], inputs[i + 1], inputs[0].dim(3));
  OCTET_CHECK(inputs[0].dim(3) > 0, name(), ": input is ", inputs[0].shape().text());
  return batch_norm_pass(options_, training_,
                         {inputs[0], inputs[1], inputs[2], inputs[3], inputs[4]});
}

std::vector<Tensor> BatchNormOp::forward(std::span<const Tensor> inputs) const {
  return {channel_apply(inputs[0], pass(inputs).affine({}))};
}

std::vector<Tensor> BatchNormOp::forward_saving(std::span<const Tensor> inputs,
                                                std::vector<Tensor>& saved) const {
  const BatchNormPass p = pass(inputs);
  saved = {p.x, p.mean, p.inverse_std, p.scale, p.shift};
  // Running statistics, which the next pass moves.
  if (!training_) saved[1] = p.mean.clone();
  return {channel_apply(p.x, p.affine({}))};
}

std::vector<Tensor> BatchNormOp::backward(const BackwardArgs& args) const {
  const BatchNormPass p{.x = args.saved[0],
                        .mean = args.saved[1],
                        .inverse_std = args.saved[2],
                        .scale = args.saved[3],
                        .shift = args.saved[4],
                        .training = training_,
                        .min = {},
                        .max = {}};
  BatchNormPass::Gradients gradients = p.backward(args.dy[0], {}, nullptr);
  return {gradients.x, gradients.weight, gradients.bias};
}

engine::ValueId BatchNormOp::lower(const Lowering& layer) const {
  OCTET_CHECK(!training_, name(), ": ", layer.name, ": can't be lowered in training mode");
  return lower_weighted("conv2d", layer, {{"groups", layer.output_shape[3]}});
}

BatchNorm2d::BatchNorm2d(int64_t num_features, const BatchNormOptions& options)
    : weight(Tensor::full({num_features}, 1.0f)),
      bias(Tensor::zeros({num_features})),
      running_mean(Tensor::zeros({num_features})),
      running_var(Tensor::full({num_features}, 1.0f)),
      num_batches_tracked(Tensor::zeros({}, DType::s64)),
      options_(options) {
  register_parameter("weight", weight);
  register_parameter("bias", bias);
  register_buffer("running_mean", running_mean);
  register_buffer("running_var", running_var);
  register_buffer("num_batches_tracked", num_batches_tracked);
}

Tensor BatchNorm2d::forward(const Tensor& x) {
  Tensor y = apply_one(std::make_shared<BatchNormOp>(options_, is_training()),
                       {x, weight, bias, running_mean, running_var});
  if (is_training()) ++*num_batches_tracked.data<int64_t>();
  return y;
}

}  // namespace octet::nn
