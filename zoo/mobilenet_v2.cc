#include "zoo/mobilenet_v2.h"

#include <algorithm>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "zoo/mobilenet_layers.h"

namespace octet::zoo {
namespace {

// Padded so that stride 1 keeps the size.
std::unique_ptr<nn::Module> make_layer(int in, int out, int kernel, int stride, int groups,
                                       const MobileNetV2Options& options) {
  const nn::Conv2dOptions conv{
      .kernel_size = kernel, .stride = stride, .padding = (kernel - 1) / 2, .groups = groups};
  std::unique_ptr<nn::Module> activation;
  if (options.relu6)
    activation = std::make_unique<nn::ReLU6>();
  else
    activation = std::make_unique<nn::ReLU>();
  return std::make_unique<ConvNorm>(in, out, conv, options.batch_norm, std::move(activation));
}

// Expand to `in * expansion` channels, filter each alone, project to `out`; what came in is added
// where the shape allows it.
class InvertedResidual : public nn::Module {
 public:
  InvertedResidual(int in, int out, int stride, int expansion, const MobileNetV2Options& options)
      : is_residual_(stride == 1 && in == out) {
    const int hidden = in * expansion;
    if (expansion != 1) conv_.append(make_layer(in, hidden, 1, 1, 1, options));
    conv_.append(make_layer(hidden, hidden, 3, stride, hidden, options));
    conv_.emplace<nn::Conv2d>(hidden, out, nn::Conv2dOptions{.kernel_size = 1, .bias = false});
    conv_.emplace<nn::BatchNorm2d>(out, options.batch_norm);
    register_module("conv", conv_);
  }

  Tensor forward(const Tensor& x) override {
    return is_residual_ ? nn::add(x, conv_(x)) : conv_(x);
  }

 private:
  nn::Sequential conv_;
  bool is_residual_;
};

// The paper's table 2: expansion, channels, repetitions, stride of the first.
struct Stage {
  int expansion, channels, repetitions, stride;
};
constexpr Stage kStages[] = {
    {1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2},  {6, 64, 4, 2},
    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
};
constexpr int kFirstChannels = 32;
constexpr int kLastChannels = 1280;

}  // namespace

MobileNetV2::MobileNetV2(const MobileNetV2Options& options) {
  const auto scaled = [&](int channels, double width) {
    return make_divisible(channels * width, options.round_nearest);
  };
  int in = scaled(kFirstChannels, options.width_mult);
  features_.append(make_layer(3, in, 3, 2, 1, options));
  for (const Stage& stage : kStages) {
    const bool keeps = options.small_images && &stage == &kStages[1];
    const int out = scaled(stage.channels, options.width_mult);
    for (int i = 0; i < stage.repetitions; ++i) {
      features_.emplace<InvertedResidual>(in, out, i == 0 && !keeps ? stage.stride : 1,
                                          stage.expansion, options);
      in = out;
    }
  }
  const int last = scaled(kLastChannels, std::max(1.0, options.width_mult));
  features_.append(make_layer(in, last, 1, 1, 1, options));
  classifier_.emplace<nn::Dropout>(options.dropout);
  classifier_.emplace<nn::Linear>(last, options.num_classes);
  register_module("features", features_);
  register_module("classifier", classifier_);
  init_mobilenet(*this);
}

Tensor MobileNetV2::forward(const Tensor& x) {
  return classifier_(nn::flatten(nn::adaptive_avg_pool2d(features_(x), 1)));
}

}  // namespace octet::zoo
