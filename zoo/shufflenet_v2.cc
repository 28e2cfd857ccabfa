#include "zoo/shufflenet_v2.h"

#include <string>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/batch_norm.h"
#include "nn/cat.h"
#include "nn/channel_shuffle.h"
#include "nn/conv2d.h"
#include "nn/flatten.h"
#include "nn/max_pool2d.h"
#include "nn/slice.h"

namespace octet::zoo {
namespace {

// The paper's table 5: output channels of stages 2 to 4 and of the last convolution.
struct Architecture {
  double width;
  int stages[3], last;
};
constexpr Architecture kArchitectures[] = {
    {0.5, {48, 96, 192}, 1024},
    {1.0, {116, 232, 464}, 1024},
    {1.5, {176, 352, 704}, 1024},
    {2.0, {244, 488, 976}, 2048},
};
constexpr int kFirstChannels = 24;
constexpr int kRepetitions[3] = {4, 8, 4};

const Architecture& architecture_of(double width) {
  for (const Architecture& a : kArchitectures)
    if (a.width == width) return a;
  fail("shufflenet_v2: width is ", width, ", expects 0.5, 1, 1.5 or 2");
}

// A convolution and its batch norm, padded so that stride 1 keeps the size.
void add_conv(nn::Sequential& layers, int in, int out, int kernel, int stride, int groups = 1) {
  layers.emplace<nn::Conv2d>(in, out,
                             nn::Conv2dOptions{.kernel_size = kernel,
                                               .stride = stride,
                                               .padding = (kernel - 1) / 2,
                                               .groups = groups,
                                               .bias = false});
  layers.emplace<nn::BatchNorm2d>(out);
}

void add_conv_relu(nn::Sequential& layers, int in, int out, int kernel, int stride) {
  add_conv(layers, in, out, kernel, stride);
  layers.emplace<nn::ReLU>();
}

// The paper's figure 3 (c), (d): one half of the channels passes, or with stride 2 a copy of all is
// reduced; the other is filtered; then both mix.
class Unit : public nn::Module {
 public:
  Unit(int in, int out, int stride) : splits_(stride == 1), half_(out / 2) {
    if (!splits_) {
      add_conv(branch1_, in, in, 3, stride, in);
      add_conv_relu(branch1_, in, half_, 1, 1);
    }
    add_conv_relu(branch2_, splits_ ? half_ : in, half_, 1, 1);
    add_conv(branch2_, half_, half_, 3, stride, half_);
    add_conv_relu(branch2_, half_, half_, 1, 1);
    register_module("branch1", branch1_);
    register_module("branch2", branch2_);
  }

  Tensor forward(const Tensor& x) override {
    const Tensor left = splits_ ? nn::slice_channels(x, 0, half_) : branch1_(x);
    const Tensor right = branch2_(splits_ ? nn::slice_channels(x, half_, 2 * half_) : x);
    return nn::channel_shuffle(nn::cat({left, right}), 2);
  }

 private:
  bool splits_;
  int half_;
  nn::Sequential branch1_, branch2_;
};

}  // namespace

ShuffleNetV2::ShuffleNetV2(double width, const ShuffleNetV2Options& options)
    : fc_(architecture_of(width).last, options.num_classes) {
  const Architecture& architecture = architecture_of(width);
  add_conv_relu(conv1_, 3, kFirstChannels, 3, 2);
  register_module("conv1", conv1_);
  int in = kFirstChannels;
  for (int stage = 0; stage < 3; ++stage) {
    const int out = architecture.stages[stage];
    for (int i = 0; i < kRepetitions[stage]; ++i) {
      stages_[stage].emplace<Unit>(in, out, i == 0 ? 2 : 1);
      in = out;
    }
    register_module("stage" + std::to_string(stage + 2), stages_[stage]);
  }
  add_conv_relu(conv5_, in, architecture.last, 1, 1);
  register_module("conv5", conv5_);
  register_module("fc", fc_);
}

Tensor ShuffleNetV2::forward(const Tensor& x) {
  Tensor y = nn::max_pool2d(conv1_(x), {.kernel_size = 3, .stride = 2, .padding = 1});
  for (nn::Sequential& stage : stages_) y = stage(y);
  return fc_(nn::flatten(nn::adaptive_avg_pool2d(conv5_(y), 1)));
}

}  // namespace octet::zoo
