// MobileNetV3 (Howard et al., "Searching for MobileNetV3", 2019, tables 1 and 2) as
// torchvision.models.mobilenet_v3_large and mobilenet_v3_small: the same layers, names and initial
// distributions, so that its state dicts load unchanged.
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper; y: f32 [n, num_classes].
#pragma once

#include "nn/batch_norm.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

enum class MobileNetV3Size { large, small };

struct MobileNetV3Options {
  int num_classes = 1000;
  double width_mult = 1.0;  // scales the channels of every layer; they become multiples of 8
  float dropout = 0.2f;
  nn::BatchNormOptions batch_norm = {.eps = 1e-3f, .momentum = 0.01f};
};

class MobileNetV3 : public nn::Module {
 public:
  // Initial weights come from nn::default_generator().
  explicit MobileNetV3(MobileNetV3Size size, const MobileNetV3Options& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Sequential features_, classifier_;
};

}  // namespace octet::zoo
