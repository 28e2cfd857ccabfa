#include "zoo/googlenet.h"

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/cat.h"
#include "nn/flatten.h"
#include "nn/max_pool2d.h"
#include "nn/sequential.h"

namespace octet::zoo {
namespace {

// The paper's table 1: output channels of a block's convolutions, the pooling of stride 2 and the
// head behind it.
struct Row {
  const char* name;
  int c1x1, c3x3_reduce, c3x3, c5x5_reduce, c5x5, pool_proj;
  int pool = 0;
  const char* aux = nullptr;

  int out() const { return c1x1 + c3x3 + c5x5 + pool_proj; }
};
constexpr Row kRows[] = {
    {"inception3a", 64, 96, 128, 16, 32, 32},
    {"inception3b", 128, 128, 192, 32, 96, 64, 3},
    {"inception4a", 192, 96, 208, 16, 48, 64, 0, "aux1"},
    {"inception4b", 160, 112, 224, 24, 64, 64},
    {"inception4c", 128, 128, 256, 24, 64, 64},
    {"inception4d", 112, 144, 288, 32, 64, 64, 0, "aux2"},
    {"inception4e", 256, 160, 320, 32, 128, 128, 2},
    {"inception5a", 256, 160, 320, 32, 128, 128},
    {"inception5b", 384, 192, 384, 48, 128, 128},
};
constexpr int kFirstChannels = 64, kStemChannels = 192, kLastChannels = 1024;
constexpr float kAuxDropout = 0.7f;
constexpr float kInitialDeviation = 0.01f;

Tensor pool_by_two(const Tensor& x, int kernel) {
  return nn::max_pool2d(x, {.kernel_size = kernel, .stride = 2, .ceil_mode = true});
}

// Four branches beside each other (the paper's figure 2b).
class Inception : public nn::Module {
 public:
  Inception(int in, const Row& c) : branch1_(in, c.c1x1, {.kernel_size = 1}) {
    branch2_.emplace<BasicConv2d>(in, c.c3x3_reduce, k1x1);
    branch2_.emplace<BasicConv2d>(c.c3x3_reduce, c.c3x3, k3x3);
    branch3_.emplace<BasicConv2d>(in, c.c5x5_reduce, k1x1);
    branch3_.emplace<BasicConv2d>(c.c5x5_reduce, c.c5x5, k3x3);
    branch4_.emplace<nn::MaxPool2d>(
        nn::MaxPool2dOptions{.kernel_size = 3, .stride = 1, .padding = 1, .ceil_mode = true});
    branch4_.emplace<BasicConv2d>(in, c.pool_proj, k1x1);
    register_module("branch1", branch1_);
    register_module("branch2", branch2_);
    register_module("branch3", branch3_);
    register_module("branch4", branch4_);
  }

  Tensor forward(const Tensor& x) override {
    return nn::cat({branch1_(x), branch2_(x), branch3_(x), branch4_(x)});
  }

 private:
  static constexpr nn::Conv2dOptions k1x1{.kernel_size = 1};
  static constexpr nn::Conv2dOptions k3x3{.kernel_size = 3, .padding = 1};

  BasicConv2d branch1_;
  nn::Sequential branch2_, branch3_, branch4_;
};

class AuxiliaryHead : public nn::Module {
 public:
  AuxiliaryHead(int in, int num_classes)
      : conv_(in, 128, {.kernel_size = 1}),
        fc1_(128 * 4 * 4, 1024),
        fc2_(1024, num_classes),
        dropout_(kAuxDropout) {
    register_module("conv", conv_);
    register_module("fc1", fc1_);
    register_module("fc2", fc2_);
    register_module("dropout", dropout_);
  }

  Tensor forward(const Tensor& x) override {
    const Tensor y = nn::flatten(conv_(nn::adaptive_avg_pool2d(x, 4)));
    return fc2_(dropout_(nn::relu(fc1_(y))));
  }

 private:
  BasicConv2d conv_;
  nn::Linear fc1_, fc2_;
  nn::Dropout dropout_;
};

}  // namespace

GoogLeNet::GoogLeNet(const GoogLeNetOptions& options)
    : transform_input_(options.transform_input),
      conv1_(3, kFirstChannels, {.kernel_size = 7, .stride = 2, .padding = 3}),
      conv2_(kFirstChannels, kFirstChannels, {.kernel_size = 1}),
      conv3_(kFirstChannels, kStemChannels, {.kernel_size = 3, .padding = 1}),
      dropout_(options.dropout),
      fc_(kLastChannels, options.num_classes) {
  register_module("conv1", conv1_);
  register_module("conv2", conv2_);
  register_module("conv3", conv3_);
  int in = kStemChannels;
  for (const Row& row : kRows) {
    Block& block = blocks_.emplace_back(std::make_unique<Inception>(in, row), row.pool, nullptr);
    register_module(row.name, *block.inception);
    in = row.out();
    if (!row.aux) continue;
    if (options.aux_logits) {
      block.aux = std::make_unique<AuxiliaryHead>(in, options.num_classes);
      register_module(row.aux, *block.aux);
    } else {
      ignore_in_state_dict(row.aux);
    }
  }
  register_module("dropout", dropout_);
  register_module("fc", fc_);
  for_each_module(
      [](const std::string&, nn::Module& module) { init_normal(module, kInitialDeviation); });
}

AuxiliaryOutputs GoogLeNet::run(const Tensor& x, bool with_auxiliary) {
  AuxiliaryOutputs out;
  Tensor y = transform_input_ ? transform_input(x) : x;
  y = pool_by_two(conv1_(y), 3);
  y = pool_by_two(conv3_(conv2_(y)), 3);
  for (const Block& block : blocks_) {
    y = (*block.inception)(y);
    if (with_auxiliary && block.aux) out.auxiliary.push_back((*block.aux)(y));
    if (block.pool > 0) y = pool_by_two(y, block.pool);
  }
  out.logits = fc_(dropout_(nn::flatten(nn::adaptive_avg_pool2d(y, 1))));
  return out;
}

Tensor GoogLeNet::forward(const Tensor& x) { return run(x, false).logits; }

AuxiliaryOutputs GoogLeNet::forward_with_auxiliary(const Tensor& x) { return run(x, true); }

}  // namespace octet::zoo
