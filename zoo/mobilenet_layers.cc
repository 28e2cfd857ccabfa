#include "zoo/mobilenet_layers.h"

#include <algorithm>

#include "nn/activation.h"
#include "nn/init.h"
#include "nn/linear.h"

namespace octet::zoo {

ConvNorm::ConvNorm(int in, int out, nn::Conv2dOptions options, const nn::BatchNormOptions& norm,
                   std::unique_ptr<nn::Module> activation) {
  options.bias = false;
  emplace<nn::Conv2d>(in, out, options);
  emplace<nn::BatchNorm2d>(out, norm);
  if (activation) append(std::move(activation));
}

ConvNormReLU6::ConvNormReLU6(int in, int out, const nn::Conv2dOptions& options,
                             const nn::BatchNormOptions& norm)
    : ConvNorm(in, out, options, norm, std::make_unique<nn::ReLU6>()) {}

int make_divisible(double channels, int divisor) {
  const int rounded = static_cast<int>(channels + divisor / 2.0) / divisor * divisor;
  const int least = std::max(divisor, rounded);
  return least < 0.9 * channels ? least + divisor : least;
}

void init_mobilenet(nn::Module& model) {
  model.for_each_module([](const std::string&, nn::Module& module) {
    if (auto* conv = dynamic_cast<nn::Conv2d*>(&module)) {
      nn::kaiming_normal_(conv->weight, nn::FanMode::fan_out);
      if (conv->bias.defined()) std::ranges::fill(conv->bias.values<float>(), 0.0f);
    } else if (auto* linear = dynamic_cast<nn::Linear*>(&module)) {
      nn::normal_(linear->weight, 0.01f);
      std::ranges::fill(linear->bias.values<float>(), 0.0f);
    }
  });
}

}  // namespace octet::zoo
