#include "nn/cross_entropy.h"

#include <cmath>

#include "kernels/activation_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

void check(const char* op, std::span<const Tensor> inputs) {
  check_inputs(op, inputs, 2, 2);
  const Tensor &logits = inputs[0], &labels = inputs[1];
  check_f32(op, "logits", logits, 2);
  OCTET_CHECK(logits.elements() > 0, op, ": logits are ", logits.shape().text());
  OCTET_CHECK(labels.dtype() == DType::s64 && labels.shape() == Shape{logits.dim(0)}, op,
              ": labels are ", name_of(labels.dtype()), " ", labels.shape().text(),
              ", expects s64 [", logits.dim(0), "]");
  for (int64_t i = 0; i < labels.elements(); ++i) {
    const int64_t label = labels.data<int64_t>()[i];
    OCTET_CHECK(label >= 0 && label < logits.dim(1), op, ": label ", i, " is ", label,
                ", expects 0 to ", logits.dim(1) - 1);
  }
}

// The loss of one row; p: its softmax.
double run_row(const float* x, size_t n, size_t label, double smoothing, float* p) {
  const kernels::activation_f32::ExpSum e = kernels::activation_f32::exp_sum(x, p, n);
  for (size_t c = 0; c < n; ++c) p[c] /= e.sum;
  // -log_softmax[c] = log(sum) + (max - x[c]), the q[c] add up to 1.
  double below = (1.0 - smoothing) * (double{e.max} - x[label]);
  if (smoothing > 0.0) {
    double sum = 0.0;
    for (size_t c = 0; c < n; ++c) sum += double{e.max} - x[c];
    below += smoothing / static_cast<double>(n) * sum;
  }
  return std::log(double{e.sum}) + below;
}

}  // namespace

CrossEntropyOp::CrossEntropyOp(const CrossEntropyOptions& options)
    : smoothing_(options.label_smoothing) {
  OCTET_CHECK(smoothing_ >= 0.0f && smoothing_ <= 1.0f, name(), ": label_smoothing is ", smoothing_,
              ", expects 0 to 1");
}

std::vector<Tensor> CrossEntropyOp::forward(std::span<const Tensor> inputs) const {
  std::vector<Tensor> saved;
  return forward_saving(inputs, saved);
}

std::vector<Tensor> CrossEntropyOp::forward_saving(std::span<const Tensor> inputs,
                                                   std::vector<Tensor>& saved) const {
  check(name(), inputs);
  const Tensor &logits = inputs[0], &labels = inputs[1];
  const size_t rows = static_cast<size_t>(logits.dim(0));
  const size_t n = static_cast<size_t>(logits.dim(1));
  const Tensor p = Tensor::empty(logits.shape());
  std::vector<double> losses(rows);
  default_pool()(rows, [&](size_t begin, size_t end, unsigned) {
    for (size_t row = begin; row < end; ++row)
      losses[row] = run_row(logits.data<float>() + row * n, n,
                            static_cast<size_t>(labels.data<int64_t>()[row]), smoothing_,
                            p.data<float>() + row * n);
  });
  double sum = 0.0;
  for (const double loss : losses) sum += loss;
  saved = {p, labels};
  return {Tensor::full({}, static_cast<float>(sum / static_cast<double>(rows)))};
}

std::vector<Tensor> CrossEntropyOp::backward(const BackwardArgs& args) const {
  const Tensor &p = args.saved[0], &labels = args.saved[1];
  if (!args.wants(0)) return {Tensor()};
  const size_t rows = static_cast<size_t>(p.dim(0)), n = static_cast<size_t>(p.dim(1));
  const float scale = args.dy[0].data<float>()[0] / static_cast<float>(rows);
  const float even = smoothing_ / static_cast<float>(n), own = 1.0f - smoothing_;
  // What was saved is this op's alone.
  const Tensor dx = result_like(p);
  default_pool()(rows, [&](size_t begin, size_t end, unsigned) {
    for (size_t row = begin; row < end; ++row) {
      const float* from = p.data<float>() + row * n;
      float* to = dx.data<float>() + row * n;
      const size_t label = static_cast<size_t>(labels.data<int64_t>()[row]);
      const float at_label = (from[label] - even - own) * scale;
      for (size_t c = 0; c < n; ++c) to[c] = (from[c] - even) * scale;
      to[label] = at_label;
    }
  });
  return {dx};
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  return CrossEntropyLoss(options)(logits, labels);
}

}  // namespace octet::nn
