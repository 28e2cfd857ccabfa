#include "zoo/residual_block.h"

#include "nn/activation.h"
#include "nn/add.h"

namespace octet::zoo {

ResidualBlock::ResidualBlock(int in, const std::vector<BlockConvolution>& convolutions,
                             std::unique_ptr<nn::Module> shortcut, const std::string& shortcut_name)
    : shortcut_(std::move(shortcut)) {
  for (const BlockConvolution& c : convolutions) {
    const nn::Conv2dOptions options{
        .kernel_size = c.kernel, .stride = c.stride, .padding = (c.kernel - 1) / 2, .bias = false};
    layers_.push_back({std::make_unique<nn::Conv2d>(in, c.out, options),
                       std::make_unique<nn::BatchNorm2d>(c.out)});
    const std::string number = std::to_string(layers_.size());
    register_module("conv" + number, *layers_.back().conv);
    register_module("bn" + number, *layers_.back().norm);
    in = c.out;
  }
  if (shortcut_) register_module(shortcut_name, *shortcut_);
}

Tensor ResidualBlock::forward(const Tensor& x) {
  Tensor y = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    y = (*layers_[i].norm)((*layers_[i].conv)(y));
    if (i + 1 < layers_.size()) y = nn::relu(y);
  }
  return nn::relu(nn::add(y, shortcut_ ? (*shortcut_)(x) : x));
}

}  // namespace octet::zoo
