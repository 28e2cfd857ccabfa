#include "zoo/resnet.h"

#include <algorithm>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/flatten.h"
#include "nn/init.h"
#include "nn/max_pool2d.h"
#include "zoo/residual_block.h"

namespace octet::zoo {
namespace {

// The paper's table 1: blocks of each stage. Basic blocks are two 3x3 convolutions, bottlenecks
// 1x1, 3x3 and 1x1 with four times the width.
struct Architecture {
  int depth;
  bool bottleneck;
  int blocks[4];
};
constexpr Architecture kArchitectures[] = {
    {18, false, {2, 2, 2, 2}},
    {34, false, {3, 4, 6, 3}},
    {50, true, {3, 4, 6, 3}},
    {101, true, {3, 4, 23, 3}},
};
constexpr int kFirstChannels = 64;
constexpr int kWidths[4] = {64, 128, 256, 512};

const Architecture& architecture_of(int depth) {
  for (const Architecture& a : kArchitectures)
    if (a.depth == depth) return a;
  fail("resnet: depth is ", depth, ", expects 18, 34, 50 or 101");
}

// Channels that blocks of that width end with.
int block_channels(bool bottleneck, int width) { return bottleneck ? 4 * width : width; }

// torchvision's downsample: a 1x1 convolution where the shape changes, null where x itself fits.
std::unique_ptr<nn::Module> make_shortcut(int in, int out, int stride) {
  if (stride == 1 && in == out) return nullptr;
  auto shortcut = std::make_unique<nn::Sequential>();
  shortcut->emplace<nn::Conv2d>(
      in, out, nn::Conv2dOptions{.kernel_size = 1, .stride = stride, .bias = false});
  shortcut->emplace<nn::BatchNorm2d>(out);
  return shortcut;
}

std::unique_ptr<ResidualBlock> make_block(bool bottleneck, int in, int width, int stride) {
  const int out = block_channels(bottleneck, width);
  using Convolutions = std::vector<BlockConvolution>;
  const Convolutions convolutions = bottleneck
                                        ? Convolutions{{width, 1}, {width, 3, stride}, {out, 1}}
                                        : Convolutions{{width, 3, stride}, {out, 3}};
  return std::make_unique<ResidualBlock>(in, convolutions, make_shortcut(in, out, stride),
                                         "downsample");
}

void init_weights(nn::Module& module, bool zero_init_residual) {
  if (auto* conv = dynamic_cast<nn::Conv2d*>(&module)) {
    nn::kaiming_normal_(conv->weight, nn::FanMode::fan_out);
  } else if (auto* block = dynamic_cast<ResidualBlock*>(&module); block && zero_init_residual) {
    std::ranges::fill(block->last_norm().weight.values<float>(), 0.0f);
  }
}

}  // namespace

ResNet::ResNet(int depth, const ResNetOptions& options)
    : conv1_(3, kFirstChannels, {.kernel_size = 7, .stride = 2, .padding = 3, .bias = false}),
      bn1_(kFirstChannels),
      fc_(block_channels(architecture_of(depth).bottleneck, kWidths[3]), options.num_classes) {
  const auto& [_, bottleneck, blocks] = architecture_of(depth);
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  int in = kFirstChannels;
  for (int stage = 0; stage < 4; ++stage) {
    for (int i = 0; i < blocks[stage]; ++i) {
      const int stride = stage > 0 && i == 0 ? 2 : 1;
      layers_[stage].append(make_block(bottleneck, in, kWidths[stage], stride));
      in = block_channels(bottleneck, kWidths[stage]);
    }
    register_module("layer" + std::to_string(stage + 1), layers_[stage]);
  }
  register_module("fc", fc_);
  for_each_module([&](const std::string&, nn::Module& module) {
    init_weights(module, options.zero_init_residual);
  });
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = nn::relu(bn1_(conv1_(x)));
  y = nn::max_pool2d(y, {.kernel_size = 3, .stride = 2, .padding = 1});
  for (nn::Sequential& layer : layers_) y = layer(y);
  return fc_(nn::flatten(nn::adaptive_avg_pool2d(y, 1)));
}

}  // namespace octet::zoo
