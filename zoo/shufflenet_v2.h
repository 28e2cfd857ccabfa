// ShuffleNet v2 (Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture
// Design", 2018, table 5) as torchvision.models.shufflenet_v2_x0_5 to shufflenet_v2_x2_0: the same
// layers, names and initial distributions, so that its state dicts load unchanged.
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper; y: f32 [n, num_classes].
#pragma once

#include "nn/linear.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

struct ShuffleNetV2Options {
  int num_classes = 1000;
};

class ShuffleNetV2 : public nn::Module {
 public:
  // width: 0.5, 1, 1.5 or 2; throws octet::Error for others. Initial weights come from
  // nn::default_generator().
  explicit ShuffleNetV2(double width, const ShuffleNetV2Options& options = {});
  Tensor forward(const Tensor& x) override;

 private:
  nn::Sequential conv1_, stages_[3], conv5_;
  nn::Linear fc_;
};

}  // namespace octet::zoo
