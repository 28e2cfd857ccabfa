#include "nn/max_pool2d.h"

#include "nn/pool_support.h"

namespace octet::nn {
namespace {

// dx += rest and rest = 0 where x is the maximum.
void pass_maxima(const float* x, const float* maxima, float* rest, float* dx, size_t channels) {
  for (size_t c = 0; c < channels; ++c) {
    // Loaded whether it passes or not, so that compilers can use vectors.
    const float all = rest[c];
    const bool passes = x[c] == maxima[c];
    const float gone = passes ? all : 0.0f, left = passes ? 0.0f : all;
    dx[c] += gone;
    rest[c] = left;
  }
}

}  // namespace

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

std::vector<Tensor> MaxPool2dOp::forward_saving(std::span<const Tensor> inputs,
                                                std::vector<Tensor>& saved) const {
  std::vector<Tensor> y = forward(inputs);
  saved = {inputs[0], y[0]};
  return y;
}

std::vector<Tensor> MaxPool2dOp::backward(const BackwardArgs& args) const {
  using Window = kernels::PoolGeometry::Window;
  const Tensor &x = args.saved[0], &y = args.saved[1], &dy = args.dy[0];
  const kernels::PoolGeometry pool{.geometry = window_.geometry(name(), x, x.dim(3))};
  const Tensor dx = Tensor::zeros(x.shape());
  const size_t channels = pool.geometry.in_c;
  // Windows overlap inside an image only.
  default_pool()(pool.geometry.batch, [&](size_t begin, size_t end, unsigned) {
    std::vector<float> rest(channels);  // dy, 0 once the maximum was met
    for (size_t n = begin; n < end; ++n) {
      for_each_window(pool, n, [&](size_t out, const Window& rows, const Window& columns) {
        const float* maxima = y.data<float>() + out * channels;
        std::copy_n(dy.data<float>() + out * channels, channels, rest.begin());
        for_each_position(pool, n, rows, columns, [&](size_t in) {
          pass_maxima(x.data<float>() + in * channels, maxima, rest.data(),
                      dx.data<float>() + in * channels, channels);
        });
      });
    }
  });
  return {dx};
}

engine::ValueId MaxPool2dOp::lower(const Lowering& layer) const {
  return lower_unary(name(), layer, pool_attributes(name(), window_, layer));
}

Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options) {
  return apply_one(std::make_shared<MaxPool2dOp>(options), {x});
}

}  // namespace octet::nn
