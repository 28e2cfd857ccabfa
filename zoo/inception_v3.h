// Inception v3 (Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015)
// as torchvision.models.inception_v3: the same layers, names and initial distributions, so that its
// state dicts load unchanged.
//
// x: f32 [n, h, w, 3], 299 x 299 in the paper, at least 75 x 75; y: f32 [n, num_classes].
#pragma once

#include <memory>
#include <vector>

#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "zoo/inception_layers.h"

namespace octet::zoo {

struct InceptionV3Options {
  int num_classes = 1000;
  // The head "AuxLogits", for training; it wants 299 x 299. Without it its tensors in a state dict
  // are left out, which torchvision's file has.
  bool aux_logits = false;
  // See GoogLeNetOptions.
  bool transform_input = false;
  // The two ends of a forked branch are put together by themselves before they are with the others:
  // the same in float, but quantized another rounding, that of torchvision's quantizable model.
  bool joins_forks = false;
  float dropout = 0.5f;
};

class InceptionV3 : public nn::Module {
 public:
  // Initial weights come from nn::default_generator().
  explicit InceptionV3(const InceptionV3Options& options = {});
  Tensor forward(const Tensor& x) override;
  // In any mode; without the head there are the logits alone.
  AuxiliaryOutputs forward_with_auxiliary(const Tensor& x);

 private:
  AuxiliaryOutputs run(const Tensor& x, bool with_auxiliary);

  bool transform_input_;
  BasicConv2d conv_1a_, conv_2a_, conv_2b_, conv_3b_, conv_4a_;
  std::vector<std::unique_ptr<nn::Module>> mixed_;
  std::unique_ptr<nn::Module> aux_;  // null without
  nn::Dropout dropout_;
  nn::Linear fc_;
};

}  // namespace octet::zoo
