// What the MobileNets share.
#pragma once

#include <memory>

#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/module.h"
#include "nn/sequential.h"

namespace octet::zoo {

// torchvision's Conv2dNormActivation: "0" the convolution, "1" batch norm, "2" the activation.
class ConvNorm : public nn::Sequential {
 public:
  // The convolution never has a bias, whatever the options say: batch norm has one. activation:
  // null for none.
  ConvNorm(int in, int out, nn::Conv2dOptions options, const nn::BatchNormOptions& norm,
           std::unique_ptr<nn::Module> activation);
};

// With ReLU6.
class ConvNormReLU6 : public ConvNorm {
 public:
  ConvNormReLU6(int in, int out, const nn::Conv2dOptions& options,
                const nn::BatchNormOptions& norm);
};

// The multiple of `divisor` nearest to so many channels, but never less than 90 % of them.
int make_divisible(double channels, int divisor);

// torchvision's start: kaiming_normal_(mode="fan_out") for convolutions, normal_(0, 0.01) for the
// classifier, biases of 0.
void init_mobilenet(nn::Module& model);

}  // namespace octet::zoo
