// MobileNet (Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
// Applications", 2017, table 1) as Keras has it: layers of stride 2 pad at the bottom and on the
// right only, and ReLU6 for relu. torchvision has no such model; names are those of one Sequential.
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper, pixels from -1 to 1; y: f32 [n, num_classes].
#pragma once

#include "nn/batch_norm.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

struct MobileNetV1Options {
  int num_classes = 1000;
  double width_mult = 1.0;  // scales the channels of every layer; rounded down
  nn::BatchNormOptions batch_norm = {.eps = 1e-3f};
};

class MobileNetV1 : public nn::Module {
 public:
  // Initial weights come from nn::default_generator(), with MobileNetV2's distributions.
  explicit MobileNetV1(const MobileNetV1Options& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Sequential features_;
  nn::Linear classifier_;
};

}  // namespace octet::zoo
