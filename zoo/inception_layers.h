// What GoogLeNet and Inception v3 share.
#pragma once

#include <vector>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/module.h"

namespace octet::zoo {

// torchvision's BasicConv2d: "conv" without bias, "bn" with eps 1e-3, relu.
class BasicConv2d : public nn::Module {
 public:
  // The convolution never has a bias, whatever the options say: batch norm has one.
  BasicConv2d(int in, int out, nn::Conv2dOptions options);
  Tensor forward(const Tensor& x) override;

 private:
  nn::Conv2d conv_;
  nn::BatchNorm2d bn_;
};

// Of a classifier with heads in the middle, whose losses help to train what is before them.
struct AuxiliaryOutputs {
  Tensor logits;
  std::vector<Tensor> auxiliary;  // logits too; the head nearest to the image first
};

// torchvision's transform_input: pixels with ImageNet's mean and deviation taken out become pixels
// from -1 to 1, y = x * (std / 0.5) + (mean - 0.5) / 0.5. x, y: f32 [n, h, w, 3].
Tensor transform_input(const Tensor& x);

// The weights of a convolution or a linear layer start normally distributed with mean 0; other
// modules stay as they are. torchvision cuts the distribution at +-2, which is 20 deviations or
// more.
void init_normal(nn::Module& module, float deviation);

}  // namespace octet::zoo
