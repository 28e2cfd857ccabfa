#include "zoo/cifar_resnet.h"

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/flatten.h"
#include "nn/init.h"
#include "nn/max_pool2d.h"
#include "nn/pad.h"
#include "zoo/residual_block.h"

namespace octet::zoo {
namespace {

constexpr int kWidths[3] = {16, 32, 64};

// Option A: every second pixel, and channels of zeros on both sides.
class PaddedShortcut : public nn::Module {
 public:
  explicit PaddedShortcut(int channels) : channels_(channels) {}
  Tensor forward(const Tensor& x) override {
    // Windows of one pixel: what is left out of x, and exact in integers too.
    const Tensor every_second = nn::max_pool2d(x, {.kernel_size = 1, .stride = 2});
    return nn::pad(every_second, {.front = channels_, .back = channels_});
  }

 private:
  int channels_;
};

std::unique_ptr<ResidualBlock> make_block(int in, int out, int stride) {
  std::unique_ptr<nn::Module> shortcut;
  if (stride != 1) shortcut = std::make_unique<PaddedShortcut>((out - in) / 2);
  const std::vector<BlockConvolution> convolutions = {{out, 3, stride}, {out, 3}};
  return std::make_unique<ResidualBlock>(in, convolutions, std::move(shortcut), "shortcut");
}

// Biases keep PyTorch's own start.
void init_weights(const std::string&, nn::Module& module) {
  if (auto* conv = dynamic_cast<nn::Conv2d*>(&module)) {
    nn::kaiming_normal_(conv->weight, nn::FanMode::fan_in);
  } else if (auto* linear = dynamic_cast<nn::Linear*>(&module)) {
    nn::kaiming_normal_(linear->weight, nn::FanMode::fan_in);
  }
}

}  // namespace

CifarResNet::CifarResNet(int depth, const CifarResNetOptions& options)
    : conv1_(3, kWidths[0], {.kernel_size = 3, .padding = 1, .bias = false}),
      bn1_(kWidths[0]),
      linear_(kWidths[2], options.num_classes) {
  OCTET_CHECK(depth >= 8 && depth % 6 == 2, "cifar_resnet: depth is ", depth,
              ", expects 6n + 2 with n at least 1");
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  int in = kWidths[0];
  for (int stage = 0; stage < 3; ++stage) {
    for (int i = 0; i < (depth - 2) / 6; ++i) {
      layers_[stage].append(make_block(in, kWidths[stage], stage > 0 && i == 0 ? 2 : 1));
      in = kWidths[stage];
    }
    register_module("layer" + std::to_string(stage + 1), layers_[stage]);
  }
  register_module("linear", linear_);
  for_each_module(init_weights);
}

Tensor CifarResNet::forward(const Tensor& x) {
  Tensor y = nn::relu(bn1_(conv1_(x)));
  for (nn::Sequential& layer : layers_) y = layer(y);
  return linear_(nn::flatten(nn::adaptive_avg_pool2d(y, 1)));
}

}  // namespace octet::zoo
