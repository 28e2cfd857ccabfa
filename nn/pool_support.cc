#include "nn/pool_support.h"

namespace octet::nn {

Tensor run_pool(PoolKernel kernel, const kernels::PoolGeometry& pool, const Tensor& x) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  Tensor y = Tensor::zeros(
      {x.dim(0), static_cast<int64_t>(g.out_h), static_cast<int64_t>(g.out_w), x.dim(3)});
  const kernels::pool_f32::Params params{pool};
  run_tasks(kernels::pool_f32::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    kernel(params, x.data<float>(), y.data<float>(), workspace, begin, end);
  });
  return y;
}

void check_pool_padding(const char* op, const Window2d& window) {
  OCTET_CHECK(window.padding.h * 2 <= window.kernel.h && window.padding.w * 2 <= window.kernel.w,
              op, ": padding [", window.padding.h, ", ", window.padding.w,
              "] is more than half of kernel [", window.kernel.h, ", ", window.kernel.w, "]");
}

std::vector<engine::Attribute> pool_attributes(const char* op, const Window2d& window,
                                               const Lowering& layer) {
  OCTET_CHECK(layer.inputs.size() == 1, op, ": ", layer.name, ": ", layer.inputs.size(),
              " activations, expects 1");
  std::vector<engine::Attribute> attributes =
      window.attributes(layer.program->values[layer.inputs[0]].shape, layer.output_shape);
  attributes.push_back({"kernel_h", window.kernel.h});
  attributes.push_back({"kernel_w", window.kernel.w});
  return attributes;
}

}  // namespace octet::nn
