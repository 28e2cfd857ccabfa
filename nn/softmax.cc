#include "nn/softmax.h"

#include <cmath>

#include "kernels/activation_f32.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

using kernels::activation_f32::exp_sum;
using kernels::activation_f32::ExpSum;

void log_softmax_row(const float* x, float* y, size_t n) {
  const ExpSum e = exp_sum(x, y, n);
  const float log_sum = std::log(e.sum);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] - e.max - log_sum;
}

// y * (dy - sum(y dy))
void softmax_gradient_row(const float* y, const float* dy, float* dx, size_t n) {
  const float sum = sum_of(n, [&](size_t i) { return y[i] * dy[i]; });
  for (size_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - sum);
}

// dy - exp(y) sum(dy); e: n elements to work in.
void log_softmax_gradient_row(const float* y, const float* dy, float* dx, float* e, size_t n) {
  // exp(y) is softmax(x): softmax(y), for softmax does not see what was subtracted.
  kernels::activation_f32::softmax(y, e, n);
  const float sum = sum_of(n, [&](size_t i) { return dy[i]; });
  for (size_t i = 0; i < n; ++i) dx[i] = dy[i] - e[i] * sum;
}

}  // namespace

std::vector<Tensor> SoftmaxOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  const size_t n = static_cast<size_t>(check_rows(name(), "input", x));
  Tensor y = Tensor::empty(x.shape());
  const auto run = log_ ? log_softmax_row : kernels::activation_f32::softmax;
  default_pool()(static_cast<size_t>(x.elements()) / n, [&](size_t begin, size_t end, unsigned) {
    for (size_t row = begin; row < end; ++row)
      run(x.data<float>() + row * n, y.data<float>() + row * n, n);
  });
  return {y};
}

std::vector<Tensor> SoftmaxOp::forward_saving(std::span<const Tensor> inputs,
                                              std::vector<Tensor>& saved) const {
  saved = forward(inputs);
  return saved;
}

std::vector<Tensor> SoftmaxOp::backward(const BackwardArgs& args) const {
  const Tensor &y = args.saved[0], &dy = args.dy[0];
  const Tensor dx = result_like(dy);
  const size_t n = static_cast<size_t>(y.dim(y.rank() - 1));
  default_pool()(static_cast<size_t>(y.elements()) / n, [&](size_t begin, size_t end, unsigned) {
    std::vector<float> e(log_ ? n : 0);
    for (size_t row = begin; row < end; ++row) {
      const float *at = y.data<float>() + row * n, *from = dy.data<float>() + row * n;
      float* to = dx.data<float>() + row * n;
      if (log_) {
        log_softmax_gradient_row(at, from, to, e.data(), n);
      } else {
        softmax_gradient_row(at, from, to, n);
      }
    }
  });
  return {dx};
}

engine::ValueId SoftmaxOp::lower(const Lowering& layer) const {
  return log_ ? UnloweredOp::lower(layer) : lower_unary(name(), layer);
}

Tensor softmax(const Tensor& x) { return apply_one(std::make_shared<SoftmaxOp>(false), {x}); }
Tensor log_softmax(const Tensor& x) { return apply_one(std::make_shared<SoftmaxOp>(true), {x}); }

}  // namespace octet::nn
