#include "nn/linear.h"

#include "nn/conv2d.h"
#include "nn/lower_weighted.h"
#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {

std::vector<Tensor> LinearOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 3);
  const Tensor& x = inputs[0];
  const Tensor& weight = inputs[1];
  check_f32(name(), "weight", weight, 2);
  const int64_t out = weight.dim(0), in = weight.dim(1);
  OCTET_CHECK(x.dtype() == DType::f32 && x.rank() >= 1, name(), ": input is ", name_of(x.dtype()),
              " ", x.shape().text());
  OCTET_CHECK(x.dim(x.rank() - 1) == in, name(), ": input has ", x.dim(x.rank() - 1),
              " features, weight expects ", in);
  OCTET_CHECK(in > 0 && out > 0, name(), ": weight is ", weight.shape().text());
  Shape shape = x.shape();
  shape[x.rank() - 1] = out;
  // A 1x1 image per row.
  const Tensor y =
      run_conv2d(name(), {}, 1, x.view({x.elements() / in, 1, 1, in}), weight.view({out, 1, 1, in}),
                 inputs.size() > 2 ? inputs[2] : Tensor());
  return {y.view(shape)};
}

engine::ValueId LinearOp::lower(const Lowering& layer) const {
  OCTET_CHECK(layer.output_shape.rank() == 2, name(), ": ", layer.name, ": output is ",
              layer.output_shape.text(), ", only [n, features] can be lowered");
  return lower_weighted(name(), layer);
}

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options) {
  OCTET_CHECK(in_features > 0 && out_features > 0, "linear: ", in_features, " input and ",
              out_features, " output features");
  const float bound = kaiming_bound(in_features);
  weight = uniform({out_features, in_features}, bound);
  register_parameter("weight", weight);
  if (!options.bias) return;
  bias = uniform({out_features}, bound);
  register_parameter("bias", bias);
}

Tensor Linear::forward(const Tensor& x) {
  std::vector<Tensor> inputs{x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return apply_one(std::make_shared<LinearOp>(), std::move(inputs));
}

}  // namespace octet::nn
