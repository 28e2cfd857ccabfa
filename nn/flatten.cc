#include "nn/flatten.h"

#include "nn/op_support.h"

namespace octet::nn {
namespace {

bool keeps_order(const Shape& shape) {
  return shape.rank() != 4 || shape[1] * shape[2] <= 1 || shape[3] <= 1;
}

}  // namespace

std::vector<Tensor> FlattenOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  OCTET_CHECK(x.dtype() == DType::f32 && x.rank() >= 1, name(), ": input is ", name_of(x.dtype()),
              " ", x.shape().text(), ", expects f32 with at least 1 dimension");
  Shape shape{x.dim(0), 1};
  for (int i = 1; i < x.rank(); ++i) shape[1] *= x.dim(i);
  if (keeps_order(x.shape())) return {x.view(shape)};
  const int64_t pixels = x.dim(1) * x.dim(2), channels = x.dim(3);
  Tensor y = Tensor::empty(shape);
  for (int64_t n = 0; n < x.dim(0); ++n) {
    const float* from = x.data<float>() + n * shape[1];
    float* to = y.data<float>() + n * shape[1];
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t c = 0; c < channels; ++c) to[c * pixels + p] = from[p * channels + c];
  }
  return {y};
}

std::vector<Tensor> FlattenOp::backward(const BackwardArgs& args) const {
  const Shape& shape = args.inputs[0].shape();
  const Tensor& dy = args.dy[0];
  if (keeps_order(shape)) return {dy.view(shape)};
  const int64_t pixels = shape[1] * shape[2], channels = shape[3];
  Tensor dx = Tensor::empty(shape);
  for (int64_t n = 0; n < shape[0]; ++n) {
    const float* from = dy.data<float>() + n * dy.dim(1);
    float* to = dx.data<float>() + n * dy.dim(1);
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t c = 0; c < channels; ++c) to[p * channels + c] = from[c * pixels + p];
  }
  return {dx};
}

engine::ValueId FlattenOp::lower(const Lowering& layer) const {
  return lower_unary(
      keeps_order(layer.program->values[layer.inputs.at(0)].shape) ? "reshape" : "flatten", layer);
}

Tensor flatten(const Tensor& x) { return apply_one(std::make_shared<FlattenOp>(), {x}); }

}  // namespace octet::nn
