#include "nn/conv_kernels.h"

#include "kernels/conv_f32.h"
#include "kernels/conv_f32_dw.h"
#include "kernels/conv_f32_dx.h"
#include "kernels/conv_f32_dx_phases.h"
#include "kernels/conv_u8s8.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_f32_dw.h"
#include "kernels/depthwise_f32_dx.h"
#include "kernels/depthwise_u8s8.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_f32_dw.h"
#include "nn/norm_kernels.h"
#include "nn/op_support.h"
#include "tensor/tape.h"

namespace octet::nn {
namespace {

using kernels::Conv2dGeometry;
using kernels::ConvInput;
using kernels::Work;

// The entries of a kernel with packed weights.
template <class Params, class X, class Y>
struct PackedKernel {
  size_t (*packed_bytes)(const Params&) noexcept;
  void (*pack)(const Params&, void*) noexcept;
  Work (*work)(const Params&) noexcept;
  void (*run)(const Params&, const void*, const X*, Y*, void*, size_t, size_t) noexcept;
  // Packing in pieces; null for a kernel of few weights.
  size_t (*pack_tasks)(const Params&) noexcept = nullptr;
  void (*pack_part)(const Params&, void*, size_t, size_t) noexcept = nullptr;
};

template <class Params, class X, class Y>
void run_packed(const PackedKernel<Params, X, Y>& kernel, const Params& params, const X* from,
                Y* to) {
  const Scratch packed(kernel.packed_bytes(params));
  if (kernel.pack_tasks != nullptr) {
    default_pool()(kernel.pack_tasks(params), [&](size_t begin, size_t end, unsigned) {
      kernel.pack_part(params, packed.data(), begin, end);
    });
  } else {
    kernel.pack(params, packed.data());
  }
  run_tasks(kernel.work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    kernel.run(params, packed.data(), from, to, workspace, begin, end);
  });
}

#define OCTET_PACKED_KERNEL(name, X, Y, run)                                                  \
  PackedKernel<kernels::name::Params, X, Y> {                                                 \
    kernels::name::packed_bytes, kernels::name::pack, kernels::name::work, kernels::name::run \
  }
#define OCTET_PACKED_KERNEL_IN_PARTS(name, X, Y, run)                                          \
  PackedKernel<kernels::name::Params, X, Y> {                                                  \
    kernels::name::packed_bytes, kernels::name::pack, kernels::name::work, kernels::name::run, \
        kernels::name::pack_tasks, kernels::name::pack_part                                    \
  }

// The entries of a weight gradient.
template <class Params>
struct GradientKernel {
  size_t (*partials_bytes)(const Params&) noexcept;
  Work (*work)(const Params&) noexcept;
  void (*run)(const Params&, void*, void*, size_t, size_t) noexcept;
};

// Those of a dense one, whose finish() falls into tasks.
struct DenseGradientKernel {
  using Params = kernels::conv_f32_dw::Params;
  GradientKernel<Params> sums;
  Work (*finish_work)(const Params&) noexcept;
  void (*finish)(const Params&, const void*, float*, size_t, size_t) noexcept;
};
#define OCTET_DENSE_GRADIENT_KERNEL(name)                                     \
  DenseGradientKernel {                                                       \
    {kernels::name::partials_bytes, kernels::name::work, kernels::name::run}, \
        kernels::name::finish_work, kernels::name::finish                     \
  }

// finish(params, partials) writes the gradient.
template <class Params, class Finish>
void run_gradient(const GradientKernel<Params>& kernel, const Params& params,
                  const Finish& finish) {
  const Scratch partials(kernel.partials_bytes(params));
  run_tasks(kernel.work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    kernel.run(params, partials.data(), workspace, begin, end);
  });
  finish(params, partials.data());
}

template <class Params>
Params float_params(const Conv2dGeometry& geometry, const Tensor& weight, const Tensor& bias) {
  Params params;
  params.geometry = geometry;
  params.weight = weight.data<float>();
  params.bias = bias.defined() ? bias.data<float>() : nullptr;
  return params;
}

template <class Params>
Params integer_params(const Conv2dGeometry& geometry, int32_t x_zero_point,
                      const IntegerWeights& weights) {
  Params params;
  params.geometry = geometry;
  params.weight = weights.weight.data<int8_t>();
  params.bias = weights.bias.data<int32_t>();
  params.multiplier = weights.multiplier.data<float>();
  params.x_zero_point = x_zero_point;
  return params;
}

bool winograd_on = true;

// Judged as a batch of training, whatever the batch: it may not change a bit.
// 0: conv_f32.
size_t winograd_tile(Conv2dGeometry geometry) {
  constexpr size_t kTrainingBatch = 32;
  geometry.batch = kTrainingBatch;
  const bool may = winograd_on && kernels::winograd_f32::is_supported(geometry);
  return may ? kernels::winograd_f32::best_tile(geometry) : 0;
}

// A convolution of dense x and y.
void run_dense(const kernels::conv_f32::Params& params, const float* x, float* y) {
  if (const size_t tile = winograd_tile(params.geometry)) {
    run_packed(OCTET_PACKED_KERNEL(winograd_f32, float, float, run),
               kernels::winograd_f32::Params{.geometry = params.geometry,
                                             .weight = params.weight,
                                             .bias = params.bias,
                                             .weight_strides = params.weight_strides,
                                             .tile = tile},
               x, y);
  } else {
    run_packed(OCTET_PACKED_KERNEL_IN_PARTS(conv_f32, float, float, run), params, x, y);
  }
}

// Sums over a batch depend on it in any case.
DenseGradientKernel dense_gradient_kernel(const Conv2dGeometry& geometry) {
  namespace winograd = kernels::winograd_f32_dw;
  if (winograd_on && winograd::is_supported(geometry) && winograd::is_faster(geometry))
    return OCTET_DENSE_GRADIENT_KERNEL(winograd_f32_dw);
  return OCTET_DENSE_GRADIENT_KERNEL(conv_f32_dw);
}

}  // namespace

void set_winograd(bool on) { winograd_on = on; }
bool uses_winograd() { return winograd_on; }

Tensor conv_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& weight,
                    const Tensor& bias, const Shape& y_shape) {
  const Tensor y = Tensor::empty(y_shape);
  if (geometry.is_depthwise()) {
    run_packed(OCTET_PACKED_KERNEL(depthwise_f32, float, float, run),
               float_params<kernels::depthwise_f32::Params>(geometry, weight, bias),
               x.data<float>(), y.data<float>());
  } else {
    run_dense(float_params<kernels::conv_f32::Params>(geometry, weight, bias), x.data<float>(),
              y.data<float>());
  }
  return y;
}

Tensor conv_forward(const Conv2dGeometry& geometry, const Tensor& x, int32_t x_zero_point,
                    const IntegerWeights& weights, const Shape& y_shape) {
  const Tensor y = Tensor::empty(y_shape);
  if (geometry.is_depthwise()) {
    run_packed(OCTET_PACKED_KERNEL(depthwise_u8s8, uint8_t, float, run_f32),
               integer_params<kernels::depthwise_u8s8::Params>(geometry, x_zero_point, weights),
               x.data<uint8_t>(), y.data<float>());
  } else {
    run_packed(OCTET_PACKED_KERNEL_IN_PARTS(conv_u8s8, uint8_t, float, run_f32),
               integer_params<kernels::conv_u8s8::Params>(geometry, x_zero_point, weights),
               x.data<uint8_t>(), y.data<float>());
  }
  return y;
}

Tensor conv_dx(const Conv2dGeometry& geometry, const Tensor& weight, const Tensor& dy,
               const Shape& x_shape) {
  const TapeProfile::Span span("", "  conv_dx");
  const Tensor dx = Tensor::empty(x_shape);
  if (geometry.is_depthwise()) {
    run_packed(
        OCTET_PACKED_KERNEL(depthwise_f32_dx, float, float, run),
        kernels::depthwise_f32_dx::Params{.geometry = geometry, .weight = weight.data<float>()},
        dy.data<float>(), dx.data<float>());
  } else {
    const kernels::conv_f32_dx::Params params{.geometry = geometry, .weight = weight.data<float>()};
    if (geometry.stride_h == 1 && geometry.stride_w == 1) {
      // One phase, all of dx: a convolution of dy like others.
      run_dense(kernels::conv_f32_dx::phase_of(params, 0).conv, dy.data<float>(), dx.data<float>());
    } else {
      run_packed(OCTET_PACKED_KERNEL(conv_f32_dx, float, float, run), params, dy.data<float>(),
                 dx.data<float>());
    }
  }
  return dx;
}

Tensor conv_dw(const Conv2dGeometry& geometry, const ConvInput& x, const Tensor& dy,
               const Shape& weight_shape) {
  const Tensor dw = Tensor::empty(weight_shape);
  float* to = dw.data<float>();
  if (geometry.is_depthwise()) {
    namespace kernel = kernels::depthwise_f32_dw;
    using Params = kernel::Params;
    run_gradient(
        GradientKernel<Params>{kernel::partials_bytes, kernel::work, kernel::run},
        Params{.geometry = geometry, .x = x, .dy = dy.data<float>()},
        [&](const Params& params, const void* partials) { kernel::finish(params, partials, to); });
  } else {
    const DenseGradientKernel kernel = dense_gradient_kernel(geometry);
    using Params = DenseGradientKernel::Params;
    run_gradient(kernel.sums, Params{.geometry = geometry, .x = x, .dy = dy.data<float>()},
                 [&](const Params& params, const void* partials) {
                   run_tasks(kernel.finish_work(params), [&](std::byte*, size_t begin, size_t end) {
                     kernel.finish(params, partials, to, begin, end);
                   });
                 });
  }
  return dw;
}

Tensor conv_db(const Tensor& dy) {
  const Tensor sums = channel_moments(dy).mean;
  const int64_t rows = sums.dim(0) > 0 ? dy.elements() / sums.dim(0) : 0;
  for (float& v : sums.values<float>()) v *= static_cast<float>(rows);
  return sums;
}

std::vector<Tensor> conv_backward(const Conv2dGeometry& geometry, const BackwardArgs& args) {
  const Tensor &x = args.saved[0], &weight = args.saved[1], &dy = args.dy[0];
  std::vector<Tensor> gradients(3);
  if (args.wants(0)) gradients[0] = conv_dx(geometry, weight, dy, x.shape());
  if (args.wants(1)) gradients[1] = conv_dw(geometry, {.f32 = x.data<float>()}, dy, weight.shape());
  if (args.wants(2)) gradients[2] = conv_db(dy);
  return gradients;
}

}  // namespace octet::nn
