// docs/training.md shows this program; tests/docs_test.cc holds the two together.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "engine/format.h"
#include "engine/model.h"
#include "nn/activation.h"
#include "nn/adaptive_avg_pool2d.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"
#include "nn/cross_entropy.h"
#include "nn/flatten.h"
#include "nn/linear.h"
#include "nn/optimizer.h"
#include "nn/random.h"
#include "quant/convert.h"
#include "quant/prepare.h"
#include "tensor/backward.h"
#include "tensor/tape.h"

using namespace octet;

constexpr int kSide = 12, kClasses = 4;

// Images of stripes in one of four directions, under noise; the label says in which.
struct Batch {
  Tensor images = Tensor::empty({64, kSide, kSide, 1}), labels = Tensor::empty({64}, DType::s64);

  explicit Batch(Rng& rng) {
    float* pixel = images.data<float>();
    for (int64_t& label : labels.values<int64_t>()) {
      label = rng.integer(0, kClasses - 1);
      const int64_t phase = rng.integer(0, 3);
      for (int64_t y = 0; y < kSide; ++y) {
        for (int64_t x = 0; x < kSide; ++x) {
          const int64_t across[kClasses] = {x, y, x + y, x - y + kSide};
          const bool bright = (across[label] + phase) % 4 < 2;
          *pixel++ = (bright ? 1.0f : 0.0f) + rng.uniform(-0.5f, 0.5f);
        }
      }
    }
  }
};

int count_right(const float* logits, const Tensor& labels) {
  int right = 0;
  for (int64_t label : labels.values<int64_t>()) {
    right += std::max_element(logits, logits + kClasses) - logits == label;
    logits += kClasses;
  }
  return right;
}

struct Net : nn::Module {
  nn::Conv2d conv{1, 8, {.kernel_size = 3, .bias = false}};
  nn::BatchNorm2d bn{8};
  nn::Linear fc{8, kClasses};

  Net() {
    register_module("conv", conv);
    register_module("bn", bn);
    register_module("fc", fc);
  }
  Tensor forward(const Tensor& x) override {
    return fc(nn::flatten(nn::adaptive_avg_pool2d(nn::relu(bn(conv(x))), 1)));
  }
};

void train(nn::Module& model, nn::Optimizer& optimizer, Rng& rng, int steps) {
  for (int step = 0; step < steps; ++step) {
    const Batch batch(rng);
    const Recording recording;
    backward(nn::cross_entropy(model(batch.images), batch.labels));
    optimizer.step();
    optimizer.zero_grad();
  }
}

int main() {
  Rng rng(1);
  Net net;
  nn::SGD optimizer(net.named_parameters(), {.lr = 0.1, .momentum = 0.9});
  train(net, optimizer, rng, 200);  // in float

  const auto qat = quant::prepare_qat(net, Tensor::zeros({1, kSide, kSide, 1}),
                                      quant::get_default_qat_qconfig_mapping("x86"));
  optimizer.set_lr(0.01);
  train(*qat, optimizer, rng, 50);  // on integers; observers learn their ranges
  qat->freeze_bn_stats();
  qat->disable_observer();
  train(*qat, optimizer, rng, 50);  // on the integers that ship

  const auto saved = engine::save(quant::convert(*qat).program, "first.octet");
  const auto model = engine::Model::load("first.octet");
  if (!saved || !model) return std::puts((saved ? model.why() : saved.why()).c_str()), 1;
  const auto session = engine::Session::create(*model, {.batch = 64});
  const Batch test(rng);
  std::memcpy((*session)->input(), test.images.raw(), test.images.bytes());
  (*session)->run();

  const auto* logits = static_cast<const float*>((*session)->output());
  const Tensor trained = (*qat)(test.images);
  const bool same = std::memcmp(logits, trained.raw(), trained.bytes()) == 0;
  std::printf("%d of 64 right; the file and the trained model %s\n",
              count_right(logits, test.labels), same ? "agree to the bit" : "differ");
}
