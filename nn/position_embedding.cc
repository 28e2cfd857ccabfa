#include "nn/position_embedding.h"

#include <limits>

#include "kernels/elementwise_f32.h"
#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {

std::vector<Tensor> PositionEmbeddingOp::forward(std::span<const Tensor> inputs) const {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  check_inputs(name(), inputs, 2, 2);
  const Tensor &x = inputs[0], &weight = inputs[1];
  check_f32(name(), "input", x, 3);
  check_f32(name(), "weight", weight, 2);
  OCTET_CHECK(x.dim(1) <= weight.dim(0) && x.dim(2) == weight.dim(1), name(), ": input is ",
              x.shape().text(), ", weight ", weight.shape().text());
  const Tensor y = Tensor::empty(x.shape());
  const size_t n = static_cast<size_t>(x.dim(1) * x.dim(2));
  default_pool()(static_cast<size_t>(x.dim(0)), [&](size_t begin, size_t end, unsigned) {
    for (size_t i = begin; i < end; ++i)
      kernels::elementwise_f32::add(x.data<float>() + i * n, weight.data<float>(),
                                    y.data<float>() + i * n, n, -kInfinity, kInfinity);
  });
  return {y};
}

std::vector<Tensor> PositionEmbeddingOp::backward(const BackwardArgs& args) const {
  const Tensor& dy = args.dy[0];
  std::vector<Tensor> dx(2);
  if (args.wants(1)) {
    dx[1] = Tensor::zeros(args.inputs[1].shape());
    const size_t n = static_cast<size_t>(dy.dim(1) * dy.dim(2));
    for (size_t i = 0; i < static_cast<size_t>(dy.dim(0)); ++i)
      for (size_t k = 0; k < n; ++k) dx[1].data<float>()[k] += dy.data<float>()[i * n + k];
  }
  if (args.wants(0)) dx[0] = dy;
  return dx;
}

engine::ValueId PositionEmbeddingOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  OCTET_CHECK(layer.constants.size() == 2 && layer.constants[1].defined(), name(), ": ", layer.name,
              ": weights that the model computes can't be lowered");
  engine::Program& program = *layer.program;
  const Tensor positions = layer.constants[1].slice(0, layer.output_shape[1]);
  const engine::ValueId constant =
      program.add_constant(layer.name + ".weight", DType::f32, layer.output_shape, positions.raw());
  const engine::ValueId y = program.add_activation(layer.name, DType::f32, layer.output_shape);
  program.add_instruction("add_constant", layer.name, {layer.inputs[0], constant}, {y});
  return y;
}

PositionEmbedding::PositionEmbedding(int64_t positions, int64_t embedding_dim) {
  OCTET_CHECK(positions > 0 && embedding_dim > 0, "position_embedding: ", positions,
              " positions of ", embedding_dim, " elements");
  weight = Tensor::empty({positions, embedding_dim});
  for (float& w : weight.values<float>()) w = default_generator().normal();
  register_parameter("weight", weight);
}

Tensor PositionEmbedding::forward(const Tensor& x) {
  return apply_one(std::make_shared<PositionEmbeddingOp>(), {x, weight});
}

}  // namespace octet::nn
