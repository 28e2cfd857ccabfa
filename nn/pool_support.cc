#include "nn/pool_support.h"

namespace octet::nn {

Tensor run_pool(PoolKernel kernel, const kernels::PoolGeometry& pool, const Tensor& x) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  Tensor y = Tensor::empty(
      {x.dim(0), static_cast<int64_t>(g.out_h), static_cast<int64_t>(g.out_w), x.dim(3)});
  const kernels::pool_f32::Params params{pool};
  run_tasks(kernels::pool_f32::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    kernel(params, x.data<float>(), y.data<float>(), workspace, begin, end);
  });
  return y;
}

Tensor avg_pool_gradient(const kernels::PoolGeometry& pool, const Shape& x, const Tensor& dy) {
  using Window = kernels::PoolGeometry::Window;
  const kernels::Conv2dGeometry& g = pool.geometry;
  // One window over the whole image: every element of dx is written once.
  const bool global =
      g.out_h * g.out_w == 1 && pool.rows(0).count() == g.in_h && pool.columns(0).count() == g.in_w;
  const Tensor dx = global ? Tensor::empty(x) : Tensor::zeros(x);
  const size_t channels = g.in_c;
  // Windows overlap inside an image only.
  default_pool()(g.batch, [&](size_t begin, size_t end, unsigned) {
    std::vector<float> part(channels);
    for (size_t n = begin; n < end; ++n) {
      for_each_window(pool, n, [&](size_t out, const Window& rows, const Window& columns) {
        const float scale = 1.0f / static_cast<float>(pool.divisor(rows, columns));
        const float* from = dy.data<float>() + out * channels;
        for (size_t c = 0; c < channels; ++c) part[c] = from[c] * scale;
        for_each_position(pool, n, rows, columns, [&](size_t in) {
          float* to = dx.data<float>() + in * channels;
          if (global) {
            std::copy(part.begin(), part.end(), to);
          } else {
            for (size_t c = 0; c < channels; ++c) to[c] += part[c];
          }
        });
      });
    }
  });
  return dx;
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
