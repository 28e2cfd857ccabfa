#include "zoo/mobilenet_v1.h"

#include "nn/adaptive_avg_pool2d.h"
#include "nn/flatten.h"
#include "nn/pad.h"
#include "zoo/mobilenet_layers.h"

namespace octet::zoo {
namespace {

constexpr int kFirstChannels = 32;
constexpr int kLastChannels = 1024;

// The paper's table 1: channels, repetitions, stride of the first.
struct Stage {
  int channels, repetitions, stride;
};
constexpr Stage kStages[] = {{64, 1, 1},  {128, 1, 2},  {128, 1, 1},
                             {256, 1, 2}, {256, 1, 1},  {512, 1, 2},
                             {512, 5, 1}, {1024, 1, 2}, {kLastChannels, 1, 1}};

int scaled(int channels, const MobileNetV1Options& options) {
  return static_cast<int>(channels * options.width_mult);
}

// A 3x3 convolution, with its padding as a layer of its own where it is on two sides only.
void add_3x3(nn::Sequential& features, int in, int out, int stride, int groups,
             const nn::BatchNormOptions& norm) {
  if (stride == 2) features.emplace<nn::ZeroPad2d>(0, 1, 0, 1);
  const nn::Conv2dOptions options{
      .kernel_size = 3, .stride = stride, .padding = stride == 2 ? 0 : 1, .groups = groups};
  features.emplace<ConvNormReLU6>(in, out, options, norm);
}

}  // namespace

MobileNetV1::MobileNetV1(const MobileNetV1Options& options)
    : classifier_(scaled(kLastChannels, options), options.num_classes) {
  const nn::BatchNormOptions& norm = options.batch_norm;
  int in = scaled(kFirstChannels, options);
  add_3x3(features_, 3, in, 2, 1, norm);
  for (const Stage& stage : kStages) {
    const int out = scaled(stage.channels, options);
    for (int i = 0; i < stage.repetitions; ++i) {
      add_3x3(features_, in, in, i == 0 ? stage.stride : 1, in, norm);
      features_.emplace<ConvNormReLU6>(in, out, nn::Conv2dOptions{.kernel_size = 1}, norm);
      in = out;
    }
  }
  register_module("features", features_);
  register_module("classifier", classifier_);
  init_mobilenet(*this);
}

Tensor MobileNetV1::forward(const Tensor& x) {
  return classifier_(nn::flatten(nn::adaptive_avg_pool2d(features_(x), 1)));
}

}  // namespace octet::zoo
