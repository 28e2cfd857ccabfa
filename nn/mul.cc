#include "nn/mul.h"

#include "nn/op_support.h"

namespace octet::nn {
namespace {

bool is_gate_of(const Shape& gate, const Shape& x) {
  return gate.rank() == 4 && x.rank() == 4 && gate == Shape{x[0], 1, 1, x[3]};
}

void multiply(const float* a, const float* b, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

// One row per pixel: run(image, row of x, row of the gate), on the threads of default_pool().
template <class Run>
void for_each_image(const Shape& x, const Run& run) {
  default_pool()(static_cast<size_t>(x[0]), [&](size_t begin, size_t end, unsigned) {
    for (size_t n = begin; n < end; ++n) run(n);
  });
}

// x of one shape with y, or a gate of it.
Tensor product(const Tensor& a, const Tensor& b, const Tensor& y) {
  if (a.shape() == b.shape()) {
    run_elements(y.elements(), [&](size_t begin, size_t n) {
      multiply(a.data<float>() + begin, b.data<float>() + begin, y.data<float>() + begin, n);
    });
    return y;
  }
  const bool a_is_gate = a.elements() < b.elements();
  const Tensor &x = a_is_gate ? b : a, &gate = a_is_gate ? a : b;
  const size_t pixels = static_cast<size_t>(x.dim(1) * x.dim(2));
  const size_t channels = static_cast<size_t>(x.dim(3));
  for_each_image(x.shape(), [&](size_t n) {
    for (size_t p = n * pixels; p < (n + 1) * pixels; ++p)
      multiply(x.data<float>() + p * channels, gate.data<float>() + n * channels,
               y.data<float>() + p * channels, channels);
  });
  return y;
}

// Sum over the pixels of x * dy.
Tensor gate_gradient(const Tensor& x, const Tensor& dy, const Shape& gate) {
  const Tensor sums = Tensor::zeros(gate);
  const size_t pixels = static_cast<size_t>(x.dim(1) * x.dim(2));
  const size_t channels = static_cast<size_t>(x.dim(3));
  for_each_image(x.shape(), [&](size_t n) {
    float* to = sums.data<float>() + n * channels;
    for (size_t p = n * pixels; p < (n + 1) * pixels; ++p) {
      const float *a = x.data<float>() + p * channels, *b = dy.data<float>() + p * channels;
      for (size_t c = 0; c < channels; ++c) to[c] += a[c] * b[c];
    }
  });
  return sums;
}

}  // namespace

std::vector<Tensor> MulOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor &a = inputs[0], &b = inputs[1];
  check_f32(name(), "first input", a, a.rank());
  check_f32(name(), "second input", b, b.rank());
  const bool a_is_gate = is_gate_of(a.shape(), b.shape());
  OCTET_CHECK(a.shape() == b.shape() || a_is_gate || is_gate_of(b.shape(), a.shape()), name(),
              ": shapes ", a.shape().text(), " and ", b.shape().text(),
              " are neither equal nor [n, h, w, c] and [n, 1, 1, c]");
  return {product(a, b, Tensor::empty(a_is_gate ? b.shape() : a.shape()))};
}

std::vector<Tensor> MulOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  std::vector<Tensor> dx(2);
  // The gate first: the other may overwrite dy.
  for (const bool gates : {true, false}) {
    for (size_t i = 0; i < 2; ++i) {
      const Tensor& other = args.saved[1 - i];
      const Shape& shape = args.inputs[i].shape();
      if (!args.wants(i) || (shape != dy.shape()) != gates) continue;
      if (gates) {
        dx[i] = gate_gradient(other, dy, shape);
      } else {
        // The last to read dy may have it.
        const bool last = i == 1 || !args.wants(1) || args.inputs[1].shape() != dy.shape();
        dx[i] = product(dy, other, last ? result_like(dy) : Tensor::empty(dy.shape()));
      }
    }
  }
  return dx;
}

Tensor mul(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<MulOp>(), {a, b});
}

}  // namespace octet::nn
