// GoogLeNet (Szegedy et al., "Going Deeper with Convolutions", 2014, table 1) as
// torchvision.models.googlenet: the same layers, names and initial distributions, so that its state
// dicts load unchanged. With batch norm, and 3x3 convolutions for the paper's 5x5, as there.
//
// x: f32 [n, h, w, 3], 224 x 224 in the paper; y: f32 [n, num_classes].
#pragma once

#include <memory>
#include <vector>

#include "nn/dropout.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "zoo/inception_layers.h"

namespace octet::zoo {

struct GoogLeNetOptions {
  int num_classes = 1000;
  // The heads "aux1" and "aux2", for training. Without them their tensors in a state dict are left
  // out: torchvision's file has them, though they were never trained.
  bool aux_logits = false;
  // torchvision's weights are for pixels from -1 to 1. It sets this for them, so that its usual
  // preprocessing fits; the model table has preprocessing of its own instead.
  bool transform_input = false;
  float dropout = 0.2f;
};

class GoogLeNet : public nn::Module {
 public:
  // Initial weights come from nn::default_generator().
  explicit GoogLeNet(const GoogLeNetOptions& options = {});
  Tensor forward(const Tensor& x) override;
  // In any mode; without heads there are the logits alone.
  AuxiliaryOutputs forward_with_auxiliary(const Tensor& x);

 private:
  struct Block {
    std::unique_ptr<nn::Module> inception;
    int pool;                         // the kernel of the max pooling behind it; 0: none
    std::unique_ptr<nn::Module> aux;  // the head behind it; mostly null
  };
  AuxiliaryOutputs run(const Tensor& x, bool with_auxiliary);

  bool transform_input_;
  BasicConv2d conv1_, conv2_, conv3_;
  std::vector<Block> blocks_;
  nn::Dropout dropout_;
  nn::Linear fc_;
};

}  // namespace octet::zoo
