#include "nn/mul.h"

#include "kernels/elementwise_f32.h"
#include "kernels/mul_u8.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

bool is_gate_of(const Shape& gate, const Shape& x) {
  return gate.rank() == 4 && x.rank() == 4 && gate == Shape{x[0], 1, 1, x[3]};
}

// run(image) for each, on the threads of default_pool().
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
      kernels::elementwise_f32::mul(a.data<float>() + begin, b.data<float>() + begin,
                                    y.data<float>() + begin, n);
    });
    return y;
  }
  const bool a_is_gate = a.elements() < b.elements();
  const Tensor &x = a_is_gate ? b : a, &gate = a_is_gate ? a : b;
  const size_t pixels = static_cast<size_t>(x.dim(1) * x.dim(2));
  const size_t channels = static_cast<size_t>(x.dim(3));
  for_each_image(x.shape(), [&](size_t n) {
    const size_t first = n * pixels * channels;
    kernels::elementwise_f32::gate(x.data<float>() + first, gate.data<float>() + n * channels,
                                   y.data<float>() + first, pixels, channels);
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

double MulOp::least_output_scale(std::span<const QParams> inputs) const {
  // Twice, for the roundings of the multiplier.
  return 2.0 * inputs[0].scale * inputs[1].scale / double{kernels::mul_u8::kMaxMultiplier};
}

engine::ValueId MulOp::lower(const Lowering& layer) const {
  return lower_observed(name(), layer, 2);
}

Tensor mul(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<MulOp>(), {a, b});
}

}  // namespace octet::nn
