#include "nn/matmul.h"

#include "nn/matrix.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

struct Extents {
  int64_t batch, m, k, n;
};

Extents extents_of(const Shape& a, const Shape& b) {
  const int rank = a.rank();
  const int64_t m = a[rank - 2], k = a[rank - 1], n = b[rank - 1];
  int64_t batch = 1;
  for (int i = 0; i < rank - 2; ++i) batch *= a[i];
  return {batch, m, k, n};
}

// y = a b^T for one matrix each, a: [rows, in], b: [out, in].
void multiply(const float* a, int64_t rows, const float* b, int64_t out, int64_t in, float* y) {
  PackedMatrix(b, out, in).multiply(a, rows, y);
}

}  // namespace

std::vector<Tensor> MatmulOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor &a = inputs[0], &b = inputs[1];
  const int rank = a.rank();
  OCTET_CHECK(rank >= 2, name(), ": first input is ", a.shape().text(),
              ", expects at least 2 dimensions");
  check_f32(name(), "first input", a, rank);
  check_f32(name(), "second input", b, rank);
  Shape outer = b.shape();
  outer[rank - 2] = a.dim(rank - 2);
  outer[rank - 1] = a.dim(rank - 1);
  OCTET_CHECK(outer == a.shape() && a.dim(rank - 1) == b.dim(rank - 2), name(), ": shapes ",
              a.shape().text(), " and ", b.shape().text(), " don't match");
  const Extents e = extents_of(a.shape(), b.shape());
  OCTET_CHECK(e.k > 0 && e.n > 0, name(), ": shapes are ", a.shape().text(), " and ",
              b.shape().text());
  Shape shape = a.shape();
  shape[rank - 1] = e.n;
  const Tensor y = Tensor::empty(shape), turned = Tensor::empty({e.n, e.k});
  for (int64_t i = 0; i < e.batch; ++i) {
    transpose_matrix(b.data<float>() + i * e.k * e.n, e.k, e.n, turned.data<float>());
    multiply(a.data<float>() + i * e.m * e.k, e.m, turned.data<float>(), e.n, e.k,
             y.data<float>() + i * e.m * e.n);
  }
  return {y};
}

// da = dy b^T, db = a^T dy.
std::vector<Tensor> MatmulOp::backward(const BackwardArgs& args) const {
  const Tensor &a = args.saved[0], &b = args.saved[1], &dy = args.dy[0];
  const Extents e = extents_of(a.shape(), b.shape());
  std::vector<Tensor> dx(2);
  if (args.wants(0)) {
    dx[0] = Tensor::empty(a.shape());
    for (int64_t i = 0; i < e.batch; ++i)
      multiply(dy.data<float>() + i * e.m * e.n, e.m, b.data<float>() + i * e.k * e.n, e.k, e.n,
               dx[0].data<float>() + i * e.m * e.k);
  }
  if (!args.wants(1)) return dx;
  dx[1] = Tensor::zeros(b.shape());
  if (e.m == 0) return dx;
  const Tensor a_turned = Tensor::empty({e.k, e.m}), dy_turned = Tensor::empty({e.n, e.m});
  for (int64_t i = 0; i < e.batch; ++i) {
    transpose_matrix(a.data<float>() + i * e.m * e.k, e.m, e.k, a_turned.data<float>());
    transpose_matrix(dy.data<float>() + i * e.m * e.n, e.m, e.n, dy_turned.data<float>());
    multiply(a_turned.data<float>(), e.k, dy_turned.data<float>(), e.n, e.m,
             dx[1].data<float>() + i * e.k * e.n);
  }
  return dx;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  return apply_one(std::make_shared<MatmulOp>(), {a, b});
}

}  // namespace octet::nn
