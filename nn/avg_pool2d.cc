#include "nn/avg_pool2d.h"

#include "nn/pool_support.h"

namespace octet::nn {

AvgPool2dOp::AvgPool2dOp(const AvgPool2dOptions& options)
    : window_{options.kernel_size,
              options.stride == Size2(0) ? options.kernel_size : options.stride, options.padding},
      count_include_pad_(options.count_include_pad) {
  window_.check(name());
  check_pool_padding(name(), window_);
}

kernels::PoolGeometry AvgPool2dOp::geometry(const Tensor& x) const {
  return {.geometry = window_.geometry(name(), x, x.dim(3)),
          .count_include_pad = count_include_pad_};
}

std::vector<Tensor> AvgPool2dOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, 4);
  return {run_pool(kernels::pool_f32::avg, geometry(x), x)};
}

std::vector<Tensor> AvgPool2dOp::backward(const BackwardArgs& args) const {
  const Tensor& x = args.inputs[0];
  return {avg_pool_gradient(geometry(x), x.shape(), args.dy[0])};
}

engine::ValueId AvgPool2dOp::lower(const Lowering& layer) const {
  std::vector<engine::Attribute> attributes = pool_attributes(name(), window_, layer);
  std::erase_if(attributes,
                [](const engine::Attribute& a) { return a.name.starts_with("dilation"); });
  attributes.push_back({"count_include_pad", int64_t{count_include_pad_}});
  return lower_unary(name(), layer, std::move(attributes));
}

Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options) {
  return apply_one(std::make_shared<AvgPool2dOp>(options), {x});
}

}  // namespace octet::nn
