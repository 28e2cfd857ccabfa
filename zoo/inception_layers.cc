#include "zoo/inception_layers.h"


#include "nn/activation.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "zoo/preprocess.h"

namespace octet::zoo {
namespace {

nn::Conv2dOptions without_bias(nn::Conv2dOptions options) {
  options.bias = false;
  return options;
}

Tensor filled(float value) {
  const Tensor t = Tensor::empty({3});
  for (float& v : t.values<float>()) v = value;
  return t;
}

}  // namespace

BasicConv2d::BasicConv2d(int in, int out, nn::Conv2dOptions options)
    : conv_(in, out, without_bias(options)), bn_(out, {.eps = 1e-3f}) {
  register_module("conv", conv_);
  register_module("bn", bn_);
}

Tensor BasicConv2d::forward(const Tensor& x) { return nn::relu(bn_(conv_(x))); }

Tensor transform_input(const Tensor& x) {
  const Preprocessing imagenet;
  const Tensor scale = Tensor::empty({3}), shift = Tensor::empty({3});
  for (int c = 0; c < 3; ++c) {
    scale.data<float>()[c] = imagenet.std[c] / 0.5f;
    shift.data<float>()[c] = (imagenet.mean[c] - 0.5f) / 0.5f;
  }
  // An affine map per channel is a batch norm of mean 0 and variance 1.
  const auto op = std::make_shared<nn::BatchNormOp>(nn::BatchNormOptions{.eps = 0.0f}, false);
  return apply_one(op, {x, scale, shift, filled(0), filled(1)});
}

void init_normal(nn::Module& module, float deviation) {
  if (auto* conv = dynamic_cast<nn::Conv2d*>(&module)) {
    nn::normal_(conv->weight, deviation);
  } else if (auto* linear = dynamic_cast<nn::Linear*>(&module)) {
    nn::normal_(linear->weight, deviation);
  }
}

}  // namespace octet::zoo
