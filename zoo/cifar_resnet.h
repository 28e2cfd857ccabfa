// ResNet for CIFAR-10 (He et al., "Deep Residual Learning for Image Recognition", 2015, section
// 4.2): 6n + 2 layers, shortcuts without weights ("option A"). Names and initial distributions
// are those of akamaster/pytorch_resnet_cifar10, whose weight files load unchanged.
//
// x: f32 [n, h, w, 3], 32 x 32 in the paper; y: f32 [n, num_classes].
#pragma once

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

struct CifarResNetOptions {
  int num_classes = 10;
};

class CifarResNet : public nn::Module {
 public:
  // depth: 6n + 2 with n >= 1 (20, 32, 44, 56, 110 in the paper); throws octet::Error for others.
  // Initial weights come from nn::default_generator().
  explicit CifarResNet(int depth, const CifarResNetOptions& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Sequential layers_[3];
  nn::Linear linear_;
};

}  // namespace octet::zoo
