#include "nn/cat.h"

#include <cstring>

#include "nn/op_support.h"

namespace octet::nn {
namespace {

// Elements from dimension `first` on.
size_t elements_from(const Shape& shape, int first) {
  size_t n = 1;
  for (int i = first; i < shape.rank(); ++i) n *= static_cast<size_t>(shape[i]);
  return n;
}

// copy(part, whole, n) for each run of n elements of a part, which starts at element `start` of a
// row of the whole; both as offsets.
template <class Copy>
void for_each_run(const Shape& part, const Shape& whole, int dim, size_t start, const Copy& copy) {
  const size_t run = elements_from(part, dim), row = elements_from(whole, dim);
  const size_t rows = run == 0 ? 0 : static_cast<size_t>(part.elements()) / run;
  for (size_t i = 0; i < rows; ++i) copy(i * run, i * row + start, run);
}

}  // namespace

std::vector<Tensor> CatOp::forward(std::span<const Tensor> inputs) const {
  OCTET_CHECK(!inputs.empty(), name(), ": nothing to put together");
  const int dim = check_dim(name(), dim_, inputs[0].rank());
  Shape shape = inputs[0].shape();
  shape[dim] = 0;
  for (const Tensor& x : inputs) {
    check_f32(name(), "input", x, shape.rank());
    Shape rest = x.shape();
    rest[dim] = shape[dim];
    OCTET_CHECK(rest == shape, name(), ": shapes ", inputs[0].shape().text(), " and ",
                x.shape().text(), " differ in more than dimension ", dim);
    shape[dim] += x.dim(dim);
  }
  Tensor y = Tensor::empty(shape);
  size_t start = 0;
  for (const Tensor& x : inputs) {
    for_each_run(x.shape(), shape, dim, start, [&](size_t part, size_t whole, size_t n) {
      std::memcpy(y.data<float>() + whole, x.data<float>() + part, n * sizeof(float));
    });
    start += elements_from(x.shape(), dim);
  }
  return {y};
}

std::vector<Tensor> CatOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  const int dim = check_dim(name(), dim_, dy.rank());
  std::vector<Tensor> dx(args.inputs.size());
  size_t start = 0;
  for (size_t i = 0; i < dx.size(); ++i) {
    const Shape& shape = args.inputs[i].shape();
    if (args.wants(i)) {
      dx[i] = Tensor::empty(shape);
      for_each_run(shape, dy.shape(), dim, start, [&](size_t part, size_t whole, size_t n) {
        std::memcpy(dx[i].data<float>() + part, dy.data<float>() + whole, n * sizeof(float));
      });
    }
    start += elements_from(shape, dim);
  }
  return dx;
}

engine::ValueId CatOp::lower(const Lowering& layer) const {
  OCTET_CHECK(joins_channels(), name(), ": ", layer.name,
              ": the engine puts together channels only, not dimension ", dim_);
  return lower_observed("concat", layer, layer.inputs.size());
}

Tensor cat(const std::vector<Tensor>& tensors, int dim) {
  // As seen from the innermost, whose meaning does not depend on the rank.
  if (dim >= 0 && !tensors.empty() && dim < tensors[0].rank()) dim -= tensors[0].rank();
  return apply_one(std::make_shared<CatOp>(dim), tensors);
}

}  // namespace octet::nn
