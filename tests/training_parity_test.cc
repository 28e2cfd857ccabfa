// The first steps of training, against PyTorch's losses for the same weights and images
// (goldens/make_training_goldens.py). Losses of later steps depend on every gradient of the
// earlier ones.
#define BOOST_TEST_MODULE training_parity
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/add.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/cross_entropy.h"
#include "nn/flatten.h"
#include "nn/layout.h"
#include "nn/linear.h"
#include "nn/max_pool2d.h"
#include "nn/optimizer.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

namespace octet {
namespace {

constexpr int kSteps = 6;

// lcg() of make_training_goldens.py.
Tensor lcg(const Shape& shape, uint32_t seed) {
  Tensor t = Tensor::empty(shape);
  for (float& v : t.values<float>()) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<float>(seed >> 8) * 0x1p-24f * 2 - 1;
  }
  return t;
}

struct Network : nn::Module {
  nn::Conv2d conv1{3, 16, {.kernel_size = 3, .stride = 2, .padding = 1, .bias = false}};
  nn::BatchNorm2d bn1{16};
  nn::Conv2d conv2{16, 16, {.kernel_size = 3, .padding = 1, .groups = 16, .bias = false}};
  nn::BatchNorm2d bn2{16};
  nn::Conv2d conv3{16, 24, {.kernel_size = 1, .bias = false}};
  nn::BatchNorm2d bn3{24};
  nn::Conv2d conv4{24, 24, {.kernel_size = 3, .padding = 1}};
  nn::Linear fc{24, 10};

  Network() {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("conv3", conv3);
    register_module("bn3", bn3);
    register_module("conv4", conv4);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = nn::relu6(bn1(conv1(x)));
    y = nn::relu6(bn2(conv2(y)));
    y = bn3(conv3(y));
    y = nn::max_pool2d(nn::relu(nn::add(y, conv4(y))),
                       {.kernel_size = 3, .stride = 2, .padding = 1});
    return fc(nn::flatten(nn::adaptive_avg_pool2d(y, 1)));
  }
};

void set_weights(Network& network) {
  uint32_t i = 0;
  for (const auto& [name, parameter] : network.named_parameters()) {
    const uint32_t seed = 100 + i++;
    if (name.starts_with("bn")) continue;
    const Tensor values = lcg(nn::stored_shape(parameter), seed);
    const int64_t row = parameter.rank() == 1 ? 1 : parameter.elements() / parameter.dim(0);
    const float scale = static_cast<float>(std::sqrt(2.0 / static_cast<double>(row)));
    for (float& v : values.values<float>()) v *= scale;
    nn::copy_stored(values, parameter);
  }
}

// [n, c, h, w] -> [n, h, w, c]
Tensor to_nhwc(const Tensor& x) {
  Tensor y = Tensor::empty({x.dim(0), x.dim(2), x.dim(3), x.dim(1)});
  nn::copy_stored(x, y);
  return y;
}

using MakeOptimizer = std::function<std::unique_ptr<nn::Optimizer>(nn::NamedParameters)>;

void check_losses(const std::string& name, float label_smoothing, const MakeOptimizer& make) {
  static const nlohmann::json goldens =
      nlohmann::json::parse(std::ifstream("tests/goldens/training.json"));
  Network network;
  set_weights(network);
  const auto optimizer = make(network.named_parameters());
  const Tensor labels = Tensor::empty({8}, DType::s64);
  for (int64_t i = 0; i < 8; ++i) labels.data<int64_t>()[i] = i;
  for (int step = 0; step < kSteps; ++step) {
    const Tensor images = to_nhwc(lcg({8, 3, 15, 17}, static_cast<uint32_t>(1000 + step % 2)));
    const Recording recording;
    const Tensor loss =
        nn::cross_entropy(network(images), labels, {.label_smoothing = label_smoothing});
    const double want = goldens[name][static_cast<size_t>(step)];
    // Rounding in both, 2^-24 a term over some thousand terms, grown by the steps so far.
    const double bound = 0x1p-13 * (step + 1) * std::abs(want);
    BOOST_TEST(std::abs(*loss.data<float>() - want) <= bound,
               name << ", step " << step << ": " << *loss.data<float>() << ", PyTorch " << want);
    backward(loss);
    optimizer->step();
    optimizer->zero_grad();
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(losses_equal_pytorchs) {
  check_losses("sgd", 0.0f, [](nn::NamedParameters p) {
    return std::make_unique<nn::SGD>(std::move(p), nn::SGDOptions{.lr = 0.05});
  });
  check_losses("sgd_nesterov", 0.1f, [](nn::NamedParameters p) {
    return std::make_unique<nn::SGD>(
        std::move(p),
        nn::SGDOptions{.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
  });
  check_losses("adam", 0.0f, [](nn::NamedParameters p) {
    return std::make_unique<nn::Adam>(std::move(p),
                                      nn::AdamOptions{.lr = 0.01, .weight_decay = 0.01});
  });
  check_losses("adamw", 0.0f, [](nn::NamedParameters p) {
    return std::make_unique<nn::AdamW>(std::move(p),
                                       nn::AdamOptions{.lr = 0.01, .weight_decay = 0.1});
  });
}

}  // namespace octet
