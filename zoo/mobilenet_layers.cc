#include "zoo/mobilenet_layers.h"

#include <algorithm>

#include "nn/activation.h"
#include "nn/init.h"
#include "nn/linear.h"

namespace octet::zoo {

ConvNormReLU6::ConvNormReLU6(int in, int out, nn::Conv2dOptions options,
                             const nn::BatchNormOptions& norm) {
  options.bias = false;
  emplace<nn::Conv2d>(in, out, options);
  emplace<nn::BatchNorm2d>(out, norm);
  emplace<nn::ReLU6>();
}

void init_mobilenet(nn::Module& model) {
  model.for_each_module([](const std::string&, nn::Module& module) {
    if (auto* conv = dynamic_cast<nn::Conv2d*>(&module)) {
      nn::kaiming_normal_(conv->weight, nn::FanMode::fan_out);
    } else if (auto* linear = dynamic_cast<nn::Linear*>(&module)) {
      nn::normal_(linear->weight, 0.01f);
      std::ranges::fill(linear->bias.values<float>(), 0.0f);
    }
  });
}

}  // namespace octet::zoo
