#include "zoo/inception_v3.h"

#include <string>

#include "nn/adaptive_avg_pool2d.h"
#include "nn/avg_pool2d.h"
#include "nn/cat.h"
#include "nn/flatten.h"
#include "nn/max_pool2d.h"

namespace octet::zoo {
namespace {

// Every block is some branches whose outputs are put together.

// A convolution, by torchvision's name. Stride 1 is padded to keep the size, stride 2 not at all.
struct Layer {
  const char* name;
  int out;
  nn::Size2 kernel = 1;
  int stride = 1;
};
struct Branch {
  std::vector<Layer> chain;                   // one after the other
  std::vector<Layer> fork = {};               // behind the chain, each an output of the block
  Tensor (*pool)(const Tensor& x) = nullptr;  // before the chain
};

Tensor average(const Tensor& x) {
  return nn::avg_pool2d(x, {.kernel_size = 3, .stride = 1, .padding = 1});
}

Tensor reduce(const Tensor& x) { return nn::max_pool2d(x, {.kernel_size = 3, .stride = 2}); }

constexpr nn::Size2 k1x3{1, 3}, k3x1{3, 1}, k1x7{1, 7}, k7x1{7, 1};

// The paper's figure 5, with a 5x5 convolution for one pair of 3x3.
std::vector<Branch> block_a(int pool_features) {
  return {{{{"branch1x1", 64}}},
          {{{"branch5x5_1", 48}, {"branch5x5_2", 64, 5}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3}, {"branch3x3dbl_3", 96, 3}}},
          {{{"branch_pool", pool_features}}, {}, average}};
}

// Figure 10: half the size.
std::vector<Branch> block_b() {
  return {{{{"branch3x3", 384, 3, 2}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3}, {"branch3x3dbl_3", 96, 3, 2}}},
          {{}, {}, reduce}};
}

// Figure 6 with n = 7.
std::vector<Branch> block_c(int c) {
  return {{{{"branch1x1", 192}}},
          {{{"branch7x7_1", c}, {"branch7x7_2", c, k1x7}, {"branch7x7_3", 192, k7x1}}},
          {{{"branch7x7dbl_1", c},
            {"branch7x7dbl_2", c, k7x1},
            {"branch7x7dbl_3", c, k1x7},
            {"branch7x7dbl_4", c, k7x1},
            {"branch7x7dbl_5", 192, k1x7}}},
          {{{"branch_pool", 192}}, {}, average}};
}

// Half the size.
std::vector<Branch> block_d() {
  return {{{{"branch3x3_1", 192}, {"branch3x3_2", 320, 3, 2}}},
          {{{"branch7x7x3_1", 192},
            {"branch7x7x3_2", 192, k1x7},
            {"branch7x7x3_3", 192, k7x1},
            {"branch7x7x3_4", 192, 3, 2}}},
          {{}, {}, reduce}};
}

// Figure 7.
std::vector<Branch> block_e() {
  return {{{{"branch1x1", 320}}},
          {{{"branch3x3_1", 384}}, {{"branch3x3_2a", 384, k1x3}, {"branch3x3_2b", 384, k3x1}}},
          {{{"branch3x3dbl_1", 448}, {"branch3x3dbl_2", 384, 3}},
           {{"branch3x3dbl_3a", 384, k1x3}, {"branch3x3dbl_3b", 384, k3x1}}},
          {{{"branch_pool", 192}}, {}, average}};
}

class Mixed : public nn::Module {
 public:
  // joins_forks: see InceptionV3Options.
  Mixed(int in, const std::vector<Branch>& branches, bool joins_forks) : joins_forks_(joins_forks) {
    for (const Branch& branch : branches) {
      Parts& parts = branches_.emplace_back();
      parts.pool = branch.pool;
      int channels = in;
      for (const Layer& layer : branch.chain) {
        parts.chain.push_back(make(channels, layer));
        channels = layer.out;
      }
      for (const Layer& layer : branch.fork) {
        parts.fork.push_back(make(channels, layer));
        out_ += layer.out;
      }
      if (branch.fork.empty()) out_ += channels;
    }
  }

  Tensor forward(const Tensor& x) override {
    std::vector<Tensor> outputs;
    for (const Parts& branch : branches_) {
      Tensor y = branch.pool ? branch.pool(x) : x;
      for (const auto& layer : branch.chain) y = (*layer)(y);
      std::vector<Tensor> ends;
      for (const auto& layer : branch.fork) ends.push_back((*layer)(y));
      if (ends.empty()) ends = {y};
      if (joins_forks_ && ends.size() > 1) ends = {nn::cat(ends)};
      outputs.insert(outputs.end(), ends.begin(), ends.end());
    }
    return nn::cat(outputs);
  }

  int out_channels() const { return out_; }

 private:
  using Convolutions = std::vector<std::unique_ptr<BasicConv2d>>;
  struct Parts {
    Convolutions chain, fork;
    Tensor (*pool)(const Tensor& x);
  };

  std::unique_ptr<BasicConv2d> make(int in, const Layer& layer) {
    nn::Conv2dOptions options{.kernel_size = layer.kernel, .stride = layer.stride};
    if (layer.stride == 1) options.padding = {(layer.kernel.h - 1) / 2, (layer.kernel.w - 1) / 2};
    auto conv = std::make_unique<BasicConv2d>(in, layer.out, options);
    register_module(layer.name, *conv);
    return conv;
  }

  bool joins_forks_;
  std::vector<Parts> branches_;
  int out_ = 0;
};

// The paper's table 1 behind the first convolutions. The head reads what "Mixed_6e" gives.
struct Row {
  const char* name;
  std::vector<Branch> branches;
};
std::vector<Row> rows() {
  return {{"Mixed_5b", block_a(32)},  {"Mixed_5c", block_a(64)},  {"Mixed_5d", block_a(64)},
          {"Mixed_6a", block_b()},    {"Mixed_6b", block_c(128)}, {"Mixed_6c", block_c(160)},
          {"Mixed_6d", block_c(160)}, {"Mixed_6e", block_c(192)}, {"Mixed_7a", block_d()},
          {"Mixed_7b", block_e()},    {"Mixed_7c", block_e()}};
}
constexpr size_t kBlocksBeforeHead = 8;
constexpr int kHeadInput = 768, kLastChannels = 2048;

class AuxiliaryHead : public nn::Module {
 public:
  explicit AuxiliaryHead(int num_classes)
      : conv0_(kHeadInput, 128, {.kernel_size = 1}),
        conv1_(128, 768, {.kernel_size = 5}),
        fc_(768, num_classes) {
    register_module("conv0", conv0_);
    register_module("conv1", conv1_);
    register_module("fc", fc_);
  }

  Tensor forward(const Tensor& x) override {
    const Tensor y = conv1_(conv0_(nn::avg_pool2d(x, {.kernel_size = 5, .stride = 3})));
    return fc_(nn::flatten(nn::adaptive_avg_pool2d(y, 1)));
  }

 private:
  BasicConv2d conv0_, conv1_;
  nn::Linear fc_;
};

void init_weights(const std::string& path, nn::Module& module) {
  init_normal(module, path == "AuxLogits.fc"           ? 0.001f
                      : path == "AuxLogits.conv1.conv" ? 0.01f
                                                       : 0.1f);
}

}  // namespace

InceptionV3::InceptionV3(const InceptionV3Options& options)
    : transform_input_(options.transform_input),
      conv_1a_(3, 32, {.kernel_size = 3, .stride = 2}),
      conv_2a_(32, 32, {.kernel_size = 3}),
      conv_2b_(32, 64, {.kernel_size = 3, .padding = 1}),
      conv_3b_(64, 80, {.kernel_size = 1}),
      conv_4a_(80, 192, {.kernel_size = 3}),
      dropout_(options.dropout),
      fc_(kLastChannels, options.num_classes) {
  register_module("Conv2d_1a_3x3", conv_1a_);
  register_module("Conv2d_2a_3x3", conv_2a_);
  register_module("Conv2d_2b_3x3", conv_2b_);
  register_module("Conv2d_3b_1x1", conv_3b_);
  register_module("Conv2d_4a_3x3", conv_4a_);
  int in = 192;
  for (const Row& row : rows()) {
    auto block = std::make_unique<Mixed>(in, row.branches, options.joins_forks);
    register_module(row.name, *block);
    in = block->out_channels();
    mixed_.push_back(std::move(block));
  }
  if (options.aux_logits) {
    aux_ = std::make_unique<AuxiliaryHead>(options.num_classes);
    register_module("AuxLogits", *aux_);
  } else {
    ignore_in_state_dict("AuxLogits");
  }
  register_module("dropout", dropout_);
  register_module("fc", fc_);
  for_each_module(init_weights);
}

AuxiliaryOutputs InceptionV3::run(const Tensor& x, bool with_auxiliary) {
  AuxiliaryOutputs out;
  Tensor y = transform_input_ ? transform_input(x) : x;
  y = reduce(conv_2b_(conv_2a_(conv_1a_(y))));
  y = reduce(conv_4a_(conv_3b_(y)));
  for (size_t i = 0; i < mixed_.size(); ++i) {
    if (i == kBlocksBeforeHead && with_auxiliary && aux_) out.auxiliary.push_back((*aux_)(y));
    y = (*mixed_[i])(y);
  }
  out.logits = fc_(dropout_(nn::flatten(nn::adaptive_avg_pool2d(y, 1))));
  return out;
}

Tensor InceptionV3::forward(const Tensor& x) { return run(x, false).logits; }

AuxiliaryOutputs InceptionV3::forward_with_auxiliary(const Tensor& x) { return run(x, true); }

}  // namespace octet::zoo
