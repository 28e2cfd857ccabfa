// ResidualBlock: y = relu(f(x) + shortcut(x)), f a chain of convolutions with batch norm and, but
// for the last, relu (He et al., "Deep Residual Learning for Image Recognition", 2015, figure 5).
//
// Names are PyTorch's: conv1, bn1, conv2, bn2, ..., and the shortcut's own. x: f32 [n, h, w, in];
// y: f32 [n, h / stride, w / stride, out].
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/module.h"

namespace octet::zoo {

// A convolution of a block; without bias, padded so that stride 1 keeps the size.
struct BlockConvolution {
  int out, kernel, stride = 1;
};

class ResidualBlock : public nn::Module {
 public:
  // shortcut: null for x itself; `shortcut_name` among the block's modules.
  ResidualBlock(int in, const std::vector<BlockConvolution>& convolutions,
                std::unique_ptr<nn::Module> shortcut, const std::string& shortcut_name);
  Tensor forward(const Tensor& x) override;

  // What the addition gets is 0 when its weight is: the block then starts as its shortcut.
  nn::BatchNorm2d& last_norm() { return *layers_.back().norm; }

 private:
  struct Layer {
    std::unique_ptr<nn::Conv2d> conv;
    std::unique_ptr<nn::BatchNorm2d> norm;
  };
  std::vector<Layer> layers_;
  std::unique_ptr<nn::Module> shortcut_;
};

}  // namespace octet::zoo
