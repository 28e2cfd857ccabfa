// MobileNetV2 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018) as
// torchvision.models.mobilenet_v2: the same layers, names and initial distributions, so that its
// state dicts load unchanged.
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper; y: f32 [n, num_classes].
#pragma once

#include "nn/batch_norm.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

struct MobileNetV2Options {
  int num_classes = 1000;
  double width_mult = 1.0;  // scales the channels of every layer
  int round_nearest = 8;    // channels become multiples of this
  float dropout = 0.2f;
  // Images of 32 x 32 or so: the first convolution and the first stage of stride 2 keep their
  // resolution.
  bool small_images = false;
  // false: relu in its place, as in torchvision.models.quantization.mobilenet_v2.
  bool relu6 = true;
  nn::BatchNormOptions batch_norm = {};
};

class MobileNetV2 : public nn::Module {
 public:
  // Initial weights come from nn::default_generator().
  explicit MobileNetV2(const MobileNetV2Options& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Sequential features_, classifier_;
};

}  // namespace octet::zoo
