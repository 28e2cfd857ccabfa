#include "nn/adaptive_avg_pool2d.h"

#include "nn/pool_support.h"

namespace octet::nn {

AdaptiveAvgPool2dOp::AdaptiveAvgPool2dOp(Size2 output_size) : output_size_(output_size) {
  OCTET_CHECK(output_size.h > 0 && output_size.w > 0, name(), ": output_size is [", output_size.h,
              ", ", output_size.w, "], expects positive numbers");
}

kernels::PoolGeometry AdaptiveAvgPool2dOp::geometry(const Tensor& x) const {
  // A 1x1 window gives the extents of the input.
  kernels::PoolGeometry pool{.geometry = Window2d{}.geometry(name(), x, x.dim(3)),
                             .adaptive = true};
  pool.geometry.out_h = static_cast<size_t>(output_size_.h);
  pool.geometry.out_w = static_cast<size_t>(output_size_.w);
  return pool;
}

std::vector<Tensor> AdaptiveAvgPool2dOp::forward(std::span<const Tensor> inputs) const {
  check_inputs(name(), inputs, 1, 1);
  const Tensor& x = inputs[0];
  check_f32(name(), "input", x, 4);
  return {run_pool(kernels::pool_f32::avg, geometry(x), x)};
}

std::vector<Tensor> AdaptiveAvgPool2dOp::backward(const BackwardArgs& args) const {
  const Tensor& x = args.inputs[0];
  return {avg_pool_gradient(geometry(x), x.shape(), args.dy[0])};
}

engine::ValueId AdaptiveAvgPool2dOp::lower(const Lowering& layer) const {
  return lower_unary(name(), layer);
}

Tensor adaptive_avg_pool2d(const Tensor& x, Size2 output_size) {
  return apply_one(std::make_shared<AdaptiveAvgPool2dOp>(output_size), {x});
}

}  // namespace octet::nn
