#include "nn/embedding.h"

#include <cstring>
#include <utility>

#include "nn/lower_weighted.h"
#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {

std::vector<Tensor> EmbeddingOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 2);
  const Tensor &indices = inputs[0], &weight = inputs[1];
  check_f32(name(), "weight", weight, 2);
  OCTET_CHECK(indices.dtype() == DType::s64 && indices.rank() < Shape::kMaxRank, name(),
              ": indices are ", name_of(indices.dtype()), " ", indices.shape().text(),
              ", expects s64");
  const size_t width = static_cast<size_t>(weight.dim(1));
  Shape shape = indices.shape();
  shape.push_back(weight.dim(1));
  Tensor y = Tensor::empty(shape);
  for (int64_t i = 0; i < indices.elements(); ++i) {
    const int64_t index = indices.data<int64_t>()[i];
    OCTET_CHECK(index >= 0 && index < weight.dim(0), name(), ": index ", i, " is ", index,
                ", expects 0 to ", weight.dim(0) - 1);
    std::memcpy(y.data<float>() + static_cast<size_t>(i) * width,
                weight.data<float>() + static_cast<size_t>(index) * width, width * sizeof(float));
  }
  return {y};
}

std::vector<Tensor> EmbeddingOp::forward_saving(std::span<const Tensor> inputs,
                                                std::vector<Tensor>& saved) const {
  std::vector<Tensor> y = forward(inputs);
  saved = {inputs[0]};
  return y;
}

std::vector<Tensor> EmbeddingOp::backward(const BackwardArgs& args) const {
  std::vector<Tensor> dx(2);
  if (!args.wants(1)) return dx;
  const Tensor &indices = args.saved[0], &dy = args.dy[0];
  dx[1] = Tensor::zeros(args.inputs[1].shape());
  const size_t width = static_cast<size_t>(dx[1].dim(1));
  for (int64_t i = 0; i < indices.elements(); ++i) {
    const float* from = dy.data<float>() + static_cast<size_t>(i) * width;
    float* to = dx[1].data<float>() + static_cast<size_t>(indices.data<int64_t>()[i]) * width;
    for (size_t k = 0; k < width; ++k) to[k] += from[k];
  }
  return dx;
}

engine::ValueId EmbeddingOp::lower(const Lowering& layer) const {
  engine::Program& program = *layer.program;
  OCTET_CHECK(
      layer.inputs.size() == 1 && layer.constants.size() == 2 && layer.constants[1].defined() &&
          program.values[layer.inputs[0]].dtype == DType::s64,
      name(), ": ", layer.name, ": only indices of type s64 and a constant table can be lowered");
  std::vector<engine::ValueId> inputs = layer.inputs;
  for (const engine::ValueId id : weight_constants(layer, layer.name, layer.constants[1]))
    inputs.push_back(id);
  const engine::ValueId y = program.add_activation(layer.name, DType::f32, layer.output_shape);
  program.add_instruction(name(), layer.name, std::move(inputs), {y});
  return y;
}

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim) {
  OCTET_CHECK(num_embeddings > 0 && embedding_dim > 0, "embedding: ", num_embeddings,
              " embeddings of ", embedding_dim, " elements");
  weight = Tensor::empty({num_embeddings, embedding_dim});
  for (float& w : weight.values<float>()) w = default_generator().normal();
  register_parameter("weight", weight);
}

Tensor Embedding::forward(const Tensor& indices) {
  return apply_one(std::make_shared<EmbeddingOp>(), {indices, weight});
}

}  // namespace octet::nn
