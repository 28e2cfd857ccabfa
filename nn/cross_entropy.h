// cross_entropy: the loss of classifiers, with the softmax inside.
//
//   loss = mean over rows of -sum_c q[c] log_softmax(logits)[c]
//   q = (1 - label_smoothing) * (c == label) + label_smoothing / classes
//
// logits: f32 [n, classes], labels: s64 [n], each in [0, classes); loss: f32, one element. The
// gradient is (softmax(logits) - q) / n. Labels out of range are refused by octet::Error.
#pragma once

#include "nn/op.h"

namespace octet::nn {

struct CrossEntropyOptions {
  float label_smoothing = 0.0f;  // 0 to 1
};

// Inputs: logits, labels. A loss is not part of a model: it can't be lowered.
class CrossEntropyOp : public TapeOp {
 public:
  explicit CrossEntropyOp(const CrossEntropyOptions& options);
  const char* name() const override { return "cross_entropy"; }
  std::vector<Tensor> forward(std::span<const Tensor> inputs) const override;
  // Saves the softmax and the labels.
  std::vector<Tensor> forward_saving(std::span<const Tensor> inputs,
                                     std::vector<Tensor>& saved) const override;
  std::vector<Tensor> backward(const BackwardArgs& args) const override;

 private:
  float smoothing_;
};

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});

// torch.nn.CrossEntropyLoss with class indices and reduction='mean'.
class CrossEntropyLoss {
 public:
  explicit CrossEntropyLoss(const CrossEntropyOptions& options = {})
      : op_(std::make_shared<CrossEntropyOp>(options)) {}
  Tensor operator()(const Tensor& logits, const Tensor& labels) const {
    return apply_one(op_, {logits, labels});
  }

 private:
  std::shared_ptr<const CrossEntropyOp> op_;
};

}  // namespace octet::nn
