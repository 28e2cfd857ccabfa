#include "zoo/mobilenet_v3.h"

#include <span>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/conv2d.h"
#include "nn/dropout.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/mul.h"
#include "nn/pointwise.h"
#include "zoo/mobilenet_layers.h"

namespace octet::zoo {
namespace {

enum class Curve { relu, hardswish };
constexpr Curve RE = Curve::relu, HS = Curve::hardswish;

// The paper's tables: kernel, channels after expansion, channels, squeeze and excite, activation,
// stride.
struct Row {
  int kernel, expanded, out;
  bool squeezes;
  Curve curve;
  int stride;
};
constexpr Row kLarge[] = {
    {3, 16, 16, false, RE, 1},  {3, 64, 24, false, RE, 2},  {3, 72, 24, false, RE, 1},
    {5, 72, 40, true, RE, 2},   {5, 120, 40, true, RE, 1},  {5, 120, 40, true, RE, 1},
    {3, 240, 80, false, HS, 2}, {3, 200, 80, false, HS, 1}, {3, 184, 80, false, HS, 1},
    {3, 184, 80, false, HS, 1}, {3, 480, 112, true, HS, 1}, {3, 672, 112, true, HS, 1},
    {5, 672, 160, true, HS, 2}, {5, 960, 160, true, HS, 1}, {5, 960, 160, true, HS, 1},
};
constexpr Row kSmall[] = {
    {3, 16, 16, true, RE, 2},  {3, 72, 24, false, RE, 2}, {3, 88, 24, false, RE, 1},
    {5, 96, 40, true, HS, 2},  {5, 240, 40, true, HS, 1}, {5, 240, 40, true, HS, 1},
    {5, 120, 48, true, HS, 1}, {5, 144, 48, true, HS, 1}, {5, 288, 96, true, HS, 2},
    {5, 576, 96, true, HS, 1}, {5, 576, 96, true, HS, 1},
};
struct Architecture {
  std::span<const Row> rows;
  int last_channels;
};
const Architecture kArchitectures[] = {{kLarge, 1280}, {kSmall, 1024}};  // by MobileNetV3Size
constexpr int kFirstChannels = 16;
constexpr int kExpansion = 6;  // of the last convolution
constexpr int kDivisor = 8;

std::unique_ptr<nn::Module> make_activation(Curve curve) {
  if (curve == Curve::relu) return std::make_unique<nn::ReLU>();
  return std::make_unique<nn::Hardswish>();
}

// y = x * gate, the gate a small network on the means of x's channels; torchvision's
// SqueezeExcitation.
class SqueezeExcite : public nn::Module {
 public:
  SqueezeExcite(int channels, int squeezed)
      : fc1_(channels, squeezed, {.kernel_size = 1}), fc2_(squeezed, channels, {.kernel_size = 1}) {
    register_module("fc1", fc1_);
    register_module("fc2", fc2_);
  }

  Tensor forward(const Tensor& x) override {
    const Tensor squeezed = nn::relu(fc1_(nn::adaptive_avg_pool2d(x, 1)));
    return nn::mul(x, nn::hardsigmoid(fc2_(squeezed)));
  }

 private:
  nn::Conv2d fc1_, fc2_;
};

// Padded so that stride 1 keeps the size.
nn::Conv2dOptions padded(int kernel, int stride = 1, int groups = 1) {
  return {.kernel_size = kernel, .stride = stride, .padding = (kernel - 1) / 2, .groups = groups};
}

// Expand, filter each channel alone, gate, project; what came in is added where the shape allows.
class InvertedResidual : public nn::Module {
 public:
  // row: with its channels scaled.
  InvertedResidual(int in, const Row& row, const nn::BatchNormOptions& norm)
      : is_residual_(row.stride == 1 && in == row.out) {
    const auto add_layer = [&](int from, int to, const nn::Conv2dOptions& options) {
      block_.emplace<ConvNorm>(from, to, options, norm, make_activation(row.curve));
    };
    if (row.expanded != in) add_layer(in, row.expanded, padded(1));
    add_layer(row.expanded, row.expanded, padded(row.kernel, row.stride, row.expanded));
    if (row.squeezes)
      block_.emplace<SqueezeExcite>(row.expanded, make_divisible(row.expanded / 4, kDivisor));
    block_.emplace<ConvNorm>(row.expanded, row.out, padded(1), norm, nullptr);
    register_module("block", block_);
  }

  Tensor forward(const Tensor& x) override {
    return is_residual_ ? nn::add(block_(x), x) : block_(x);
  }

 private:
  nn::Sequential block_;
  bool is_residual_;
};

}  // namespace

MobileNetV3::MobileNetV3(MobileNetV3Size size, const MobileNetV3Options& options) {
  const Architecture& architecture = kArchitectures[static_cast<int>(size)];
  const nn::BatchNormOptions& norm = options.batch_norm;
  const auto scaled = [&](int channels) {
    return make_divisible(channels * options.width_mult, kDivisor);
  };
  int in = scaled(kFirstChannels);
  features_.emplace<ConvNorm>(3, in, padded(3, 2), norm, make_activation(HS));
  for (Row row : architecture.rows) {
    row.expanded = scaled(row.expanded);
    row.out = scaled(row.out);
    features_.emplace<InvertedResidual>(in, row, norm);
    in = row.out;
  }
  features_.emplace<ConvNorm>(in, kExpansion * in, padded(1), norm, make_activation(HS));
  const int last = scaled(architecture.last_channels);
  classifier_.emplace<nn::Linear>(kExpansion * in, last);
  classifier_.emplace<nn::Hardswish>();
  classifier_.emplace<nn::Dropout>(options.dropout);
  classifier_.emplace<nn::Linear>(last, options.num_classes);
  register_module("features", features_);
  register_module("classifier", classifier_);
  init_mobilenet(*this);
}

Tensor MobileNetV3::forward(const Tensor& x) {
  return classifier_(nn::flatten(nn::adaptive_avg_pool2d(features_(x), 1)));
}

}  // namespace octet::zoo
