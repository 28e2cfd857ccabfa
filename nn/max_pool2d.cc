#include "nn/max_pool2d.h"

#include "nn/pool_support.h"

namespace octet::nn {

MaxPool2dOp::MaxPool2dOp(const MaxPool2dOptions& options)
    : window_{options.kernel_size,
              options.stride == Size2(0) ? options.kernel_size : options.stride, options.padding,
              options.dilation, options.ceil_mode} {
  window_.check(name());
  check_pool_padding(name(), window_);
}

std::vector<Tensor> MaxPool2dOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, 4);
  const kernels::PoolGeometry pool{.geometry = window_.geometry(name(), x, x.dim(3))};
  return {run_pool(kernels::pool_f32::max, pool, x)};
}

engine::ValueId MaxPool2dOp::lower(const Lowering& layer) const {
  return lower_unary(name(), layer, pool_attributes(name(), window_, layer));
}

Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options) {
  return apply_one(std::make_shared<MaxPool2dOp>(options), {x});
}

}  // namespace octet::nn
