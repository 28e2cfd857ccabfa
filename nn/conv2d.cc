#include "nn/conv2d.h"

#include "nn/conv_kernels.h"
#include "nn/lower_weighted.h"
#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {
namespace {

Window2d window_of(const Conv2dOptions& options) {
  return {options.kernel_size, options.stride, options.padding, options.dilation};
}

}  // namespace

Conv2dOp::Conv2dOp(const Conv2dOptions& options)
    : window_(window_of(options)), groups_(options.groups) {
  window_.check(name());
  OCTET_CHECK(groups_ > 0, name(), ": ", groups_, " groups");
}

kernels::Conv2dGeometry Conv2dOp::conv_geometry(const Tensor& x, const Tensor& weight) const {
  OCTET_CHECK(x.rank() == 4, name(), ": input is ", x.shape().text(), ", expects [n, h, w, c]");
  check_f32(name(), "weight", weight, 4);
  OCTET_CHECK(x.dim(3) == weight.dim(3) * groups_, name(), ": input has ", x.dim(3),
              " channels, weight expects ", weight.dim(3) * groups_);
  OCTET_CHECK(weight.dim(0) > 0 && weight.dim(0) % groups_ == 0, name(), ": ", weight.dim(0),
              " output channels in ", groups_, " groups");
  Window2d sized = window_;
  sized.kernel = {weight.dim(1), weight.dim(2)};
  kernels::Conv2dGeometry geometry = sized.geometry(name(), x, weight.dim(0));
  geometry.groups = static_cast<size_t>(groups_);
  return geometry;
}

std::vector<Tensor> Conv2dOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 3);
  const Tensor &x = inputs[0], &weight = inputs[1];
  const Tensor bias = inputs.size() > 2 ? inputs[2] : Tensor();
  check_f32(name(), "input", x, 4);
  const kernels::Conv2dGeometry g = conv_geometry(x, weight);
  if (bias.defined()) check_channels(name(), "bias", bias, weight.dim(0));
  return {conv_forward(
      g, x, weight, bias,
      {x.dim(0), static_cast<int64_t>(g.out_h), static_cast<int64_t>(g.out_w), weight.dim(0)})};
}

std::vector<Tensor> Conv2dOp::backward(const BackwardArgs& args) const {
  return conv_backward(conv_geometry(args.saved[0], args.saved[1]), args);
}

engine::ValueId Conv2dOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  std::vector<engine::Attribute> attributes =
      window_.attributes(layer.program->values[layer.inputs[0]].shape, layer.output_shape);
  attributes.push_back({"groups", groups_});
  if (uses_winograd() && !layer.quantization && layer.weight.dim(1) == 3 &&
      layer.weight.dim(2) == 3)
    attributes.push_back({"winograd", int64_t{1}});
  return lower_weighted(name(), layer, std::move(attributes));
}

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, const Conv2dOptions& options)
    : op_(std::make_shared<Conv2dOp>(options)) {
  OCTET_CHECK(in_channels > 0 && out_channels > 0 && in_channels % options.groups == 0 &&
                  out_channels % options.groups == 0,
              "conv2d: ", in_channels, " input and ", out_channels, " output channels in ",
              options.groups, " groups");
  const int64_t group_c = in_channels / options.groups;
  const Size2 kernel = options.kernel_size;
  const float bound = kaiming_bound(group_c * kernel.h * kernel.w);
  weight = uniform({out_channels, kernel.h, kernel.w, group_c}, bound);
  register_parameter("weight", weight);
  if (!options.bias) return;
  bias = uniform({out_channels}, bound);
  register_parameter("bias", bias);
}

Tensor Conv2d::forward(const Tensor& x) {
  std::vector<Tensor> inputs{x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return apply_one(op_, std::move(inputs));
}

}  // namespace octet::nn
