#include "nn/batch_norm.h"

#include <cmath>

#include "nn/conv2d.h"
#include "nn/lower_weighted.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

// Mean and biased variance of each channel, in two passes and in double.
struct BatchStatistics {
  std::vector<double> mean, var;
};

BatchStatistics batch_statistics(const Tensor& x) {
  const size_t channels = static_cast<size_t>(x.dim(3));
  const size_t rows = static_cast<size_t>(x.elements()) / channels;
  BatchStatistics s{std::vector<double>(channels), std::vector<double>(channels)};
  const float* data = x.data<float>();
  for (size_t i = 0; i < rows; ++i)
    for (size_t c = 0; c < channels; ++c) s.mean[c] += data[i * channels + c];
  for (double& mean : s.mean) mean /= static_cast<double>(rows);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t c = 0; c < channels; ++c) {
      const double d = data[i * channels + c] - s.mean[c];
      s.var[c] += d * d;
    }
  }
  for (double& var : s.var) var /= static_cast<double>(rows);
  return s;
}

void update_running(const Tensor& running, double batch, double momentum, size_t c) {
  float& value = running.data<float>()[c];
  value = static_cast<float>((1.0 - momentum) * value + momentum * batch);
}

ChannelAffine affine_of(const Tensor& weight, const Tensor& bias, const Tensor& mean,
                        const Tensor& var, float eps) {
  ChannelAffine affine{Tensor::zeros(weight.shape()), Tensor::zeros(weight.shape())};
  for (int64_t c = 0; c < weight.dim(0); ++c) {
    // The order of torch.nn.utils.fuse_conv_bn_weights.
    const float inverse = 1.0f / std::sqrt(var.data<float>()[c] + eps);
    const float scale = weight.data<float>()[c] * inverse;
    affine.scale.data<float>()[c] = scale;
    affine.shift.data<float>()[c] = bias.data<float>()[c] - mean.data<float>()[c] * scale;
  }
  return affine;
}

}  // namespace

BatchNormOp::BatchNormOp(const BatchNormOptions& options, bool training)
    : options_(options), training_(training) {}

std::optional<ChannelAffine> BatchNormOp::channel_affine(std::span<const Tensor> inputs) const {
  return affine_of(inputs[1], inputs[2], inputs[3], inputs[4], options_.eps);
}

std::vector<Tensor> BatchNormOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 5, 5);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, 4);
  const int64_t channels = x.dim(3);
  const char* names[] = {"weight", "bias", "running_mean", "running_var"};
  for (size_t i = 0; i < 4; ++i) check_channels(name(), names[i], inputs[i + 1], channels);

  ChannelAffine affine;
  if (training_) {
    const int64_t rows = channels > 0 ? x.elements() / channels : 0;
    OCTET_CHECK(rows > 1, name(), ": input ", x.shape().text(),
                " has not more than 1 value per channel, which training needs");
    const BatchStatistics s = batch_statistics(x);
    Tensor mean = Tensor::zeros({channels}), var = Tensor::zeros({channels});
    for (size_t c = 0; c < s.mean.size(); ++c) {
      mean.data<float>()[c] = static_cast<float>(s.mean[c]);
      var.data<float>()[c] = static_cast<float>(s.var[c]);
      const double unbiased = s.var[c] * static_cast<double>(rows) / static_cast<double>(rows - 1);
      update_running(inputs[3], s.mean[c], options_.momentum, c);
      update_running(inputs[4], unbiased, options_.momentum, c);
    }
    affine = affine_of(inputs[1], inputs[2], mean, var, options_.eps);
  } else {
    affine = *channel_affine(inputs);
  }
  return {
      run_conv2d(name(), {}, channels, x, affine.scale.view({channels, 1, 1, 1}), affine.shift)};
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
