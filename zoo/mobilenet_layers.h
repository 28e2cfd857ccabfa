// What the MobileNets share.
#pragma once

#include <string>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

// torchvision's Conv2dNormActivation with ReLU6: "0" the convolution, "1" batch norm, "2" ReLU6.
class ConvNormReLU6 : public nn::Sequential {
 public:
  // The convolution never has a bias, whatever the options say: batch norm has one.
  ConvNormReLU6(int in, int out, nn::Conv2dOptions options, const nn::BatchNormOptions& norm);
};

// torchvision's start: kaiming_normal_(mode="fan_out") for convolutions, normal_(0, 0.01) for the
// classifier, no bias.
void init_mobilenet(nn::Module& model);

}  // namespace octet::zoo
