// ResNet (He et al., "Deep Residual Learning for Image Recognition", 2015, table 1) as
// torchvision.models.resnet18 to resnet101: the same layers, names and initial distributions, so
// that its state dicts load unchanged. Bottlenecks have their stride on the 3x3 convolution
// ("ResNet v1.5").
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper; y: f32 [n, num_classes].
#pragma once

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

struct ResNetOptions {
  int num_classes = 1000;
  // Every block starts as its shortcut (Goyal et al., 2017).
  bool zero_init_residual = false;
};

class ResNet : public nn::Module {
 public:
  // depth: 18, 34, 50 or 101; throws octet::Error for others. Initial weights come from
  // nn::default_generator().
  explicit ResNet(int depth, const ResNetOptions& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Sequential layers_[4];
  nn::Linear fc_;
};

}  // namespace octet::zoo
