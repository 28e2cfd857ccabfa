#include "nn/transpose.h"

#include <cstring>

#include "nn/matrix.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

// The two dimensions, and what is outside, between and inside of them.
struct Extents {
  int64_t outer = 1, first = 1, middle = 1, second = 1, inner = 1;
};

Extents extents_of(const Shape& shape, int dim0, int dim1) {
  Extents e;
  for (int i = 0; i < shape.rank(); ++i)
    (i < dim0    ? e.outer
     : i == dim0 ? e.first
     : i < dim1  ? e.middle
     : i == dim1 ? e.second
                 : e.inner) *= shape[i];
  return e;
}

// x: [outer, first, middle, second, inner] -> y: [outer, second, middle, first, inner].
void transpose_elements(const Extents& e, const float* x, float* y) {
  const int64_t block = e.first * e.middle * e.second * e.inner;
  for (int64_t o = 0; o < e.outer; ++o) {
    const float* from = x + o * block;
    float* to = y + o * block;
    if (e.middle * e.inner == 1) {
      transpose_matrix(from, e.first, e.second, to);
      continue;
    }
    for (int64_t i = 0; i < e.first; ++i)
      for (int64_t m = 0; m < e.middle; ++m)
        for (int64_t k = 0; k < e.second; ++k)
          std::memcpy(to + ((k * e.middle + m) * e.first + i) * e.inner,
                      from + ((i * e.middle + m) * e.second + k) * e.inner,
                      static_cast<size_t>(e.inner) * sizeof(float));
  }
}

}  // namespace

std::vector<Tensor> TransposeOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, x.rank());
  const int a = check_dim(name(), dim0_, x.rank()), b = check_dim(name(), dim1_, x.rank());
  if (a == b) return {x};
  Shape shape = x.shape();
  std::swap(shape[a], shape[b]);
  Tensor y = Tensor::empty(shape);
  transpose_elements(extents_of(x.shape(), std::min(a, b), std::max(a, b)), x.data<float>(),
                     y.data<float>());
  return {y};
}

std::vector<Tensor> TransposeOp::backward(const BackwardArgs& args) const {
  return forward(args.dy);
}

Tensor transpose(const Tensor& x, int dim0, int dim1) {
  return apply_one(std::make_shared<TransposeOp>(dim0, dim1), {x});
}

}  // namespace octet::nn
