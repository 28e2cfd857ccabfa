#include "nn/conv2d.h"

#include "kernels/conv_f32.h"
#include "kernels/depthwise_f32.h"
#include "nn/lower_weighted.h"
#include "nn/op_support.h"
#include "nn/random.h"

namespace octet::nn {
namespace {

namespace conv_f32 = kernels::conv_f32;
namespace depthwise_f32 = kernels::depthwise_f32;

Window2d window_of(const Conv2dOptions& options) {
  return {options.kernel_size, options.stride, options.padding, options.dilation};
}

AlignedBuffer packed_buffer(const char* op, size_t bytes) {
  AlignedBuffer packed(bytes);
  OCTET_CHECK(packed.data() != nullptr, op, ": no memory for ", bytes, " bytes of weights");
  return packed;
}

void check_weight(const char* op, int64_t groups, const Tensor& x, const Tensor& weight) {
  check_f32(op, "input", x, 4);
  check_f32(op, "weight", weight, 4);
  OCTET_CHECK(x.dim(3) == weight.dim(3) * groups, op, ": input has ", x.dim(3),
              " channels, weight expects ", weight.dim(3) * groups);
  OCTET_CHECK(weight.dim(0) > 0 && weight.dim(0) % groups == 0, op, ": ", weight.dim(0),
              " output channels in ", groups, " groups");
}

}  // namespace

Tensor run_conv2d(const char* op, const Window2d& window, int64_t groups, const Tensor& x,
                  const Tensor& weight, const Tensor& bias) {
  check_weight(op, groups, x, weight);
  if (bias.defined()) check_channels(op, "bias", bias, weight.dim(0));
  Window2d sized = window;
  sized.kernel = {weight.dim(1), weight.dim(2)};
  kernels::Conv2dGeometry geometry = sized.geometry(op, x, weight.dim(0));
  geometry.groups = static_cast<size_t>(groups);
  Tensor y = Tensor::zeros({x.dim(0), static_cast<int64_t>(geometry.out_h),
                            static_cast<int64_t>(geometry.out_w), weight.dim(0)});
  const float* from = x.data<float>();
  float* to = y.data<float>();
  const float* b = bias.defined() ? bias.data<float>() : nullptr;
  if (geometry.groups == geometry.in_c && geometry.groups == geometry.out_c) {
    const depthwise_f32::Params params{
        .geometry = geometry, .weight = weight.data<float>(), .bias = b};
    AlignedBuffer packed = packed_buffer(op, depthwise_f32::packed_bytes(params));
    depthwise_f32::pack(params, packed.data());
    run_tasks(depthwise_f32::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
      depthwise_f32::run(params, packed.data(), from, to, workspace, begin, end);
    });
  } else {
    const conv_f32::Params params{.geometry = geometry, .weight = weight.data<float>(), .bias = b};
    AlignedBuffer packed = packed_buffer(op, conv_f32::packed_bytes(params));
    conv_f32::pack(params, packed.data());
    run_tasks(conv_f32::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
      conv_f32::run(params, packed.data(), from, to, workspace, begin, end);
    });
  }
  return y;
}

Conv2dOp::Conv2dOp(const Conv2dOptions& options)
    : window_(window_of(options)), groups_(options.groups) {
  window_.check(name());
  OCTET_CHECK(groups_ > 0, name(), ": ", groups_, " groups");
}

std::vector<Tensor> Conv2dOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 2, 3);
  return {run_conv2d(name(), window_, groups_, inputs[0], inputs[1],
                     inputs.size() > 2 ? inputs[2] : Tensor())};
}

engine::ValueId Conv2dOp::lower(const Lowering& layer) const {
  check_lowering(name(), layer, 1);
  std::vector<engine::Attribute> attributes =
      window_.attributes(layer.program->values[layer.inputs[0]].shape, layer.output_shape);
  attributes.push_back({"groups", groups_});
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
