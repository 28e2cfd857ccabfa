#include "engine/instructions/weighted.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "engine/instructions/run_tasks.h"
#include "engine/operators.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_u8s8.h"
#include "kernels/conv_u8s8_ref.h"
#include "kernels/depthwise_f32.h"
#include "kernels/depthwise_u8s8.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_u8s8.h"
#include "kernels/winograd_u8s8_ref.h"

namespace octet::engine {
namespace {

// The kernels, made alike for WeightedKernel.
struct ConvU8 {
  using Params = kernels::conv_u8s8::Params;
  using Element = uint8_t;
  static constexpr const char* kLabel = "conv_u8s8";
  static constexpr auto packed_bytes = kernels::conv_u8s8::packed_bytes;
  static constexpr auto pack = kernels::conv_u8s8::pack;
  static constexpr auto work = kernels::conv_u8s8::work;
  static constexpr auto cost = kernels::conv_u8s8::cost;
  static constexpr auto run = kernels::conv_u8s8::run;
  static constexpr auto reference = kernels::ref::conv_u8s8<Params>;
};
struct WinogradU8 {
  using Params = kernels::winograd_u8s8::Params;
  using Element = uint8_t;
  static constexpr const char* kLabel = "winograd_u8s8";
  static constexpr auto packed_bytes = kernels::winograd_u8s8::packed_bytes;
  static constexpr auto pack = kernels::winograd_u8s8::pack;
  static constexpr auto work = kernels::winograd_u8s8::work;
  static constexpr auto cost = kernels::winograd_u8s8::cost;
  static constexpr auto run = kernels::winograd_u8s8::run;
  static constexpr auto reference = kernels::ref::conv_u8s8<Params>;
};
struct DepthwiseU8 {
  using Params = kernels::depthwise_u8s8::Params;
  using Element = uint8_t;
  static constexpr const char* kLabel = "depthwise_u8s8";
  static constexpr auto packed_bytes = kernels::depthwise_u8s8::packed_bytes;
  static constexpr auto pack = kernels::depthwise_u8s8::pack;
  static constexpr auto work = kernels::depthwise_u8s8::work;
  static constexpr auto cost = kernels::depthwise_u8s8::cost;
  static constexpr auto run = kernels::depthwise_u8s8::run;
  static constexpr auto reference = kernels::ref::conv_u8s8<Params>;
};
struct ConvF32 {
  using Params = kernels::conv_f32::Params;
  using Element = float;
  static constexpr const char* kLabel = "conv_f32";
  static constexpr auto packed_bytes = kernels::conv_f32::packed_bytes;
  static constexpr auto pack = kernels::conv_f32::pack;
  static constexpr auto work = kernels::conv_f32::work;
  static constexpr auto cost = kernels::conv_f32::cost;
  static constexpr auto run = kernels::conv_f32::run;
};
struct DepthwiseF32 {
  using Params = kernels::depthwise_f32::Params;
  using Element = float;
  static constexpr const char* kLabel = "depthwise_f32";
  static constexpr auto packed_bytes = kernels::depthwise_f32::packed_bytes;
  static constexpr auto pack = kernels::depthwise_f32::pack;
  static constexpr auto work = kernels::depthwise_f32::work;
  static constexpr auto cost = kernels::depthwise_f32::cost;
  static constexpr auto run = kernels::depthwise_f32::run;
};
struct WinogradF32 {
  using Params = kernels::winograd_f32::Params;
  using Element = float;
  static constexpr const char* kLabel = "winograd_f32";
  static constexpr auto packed_bytes = kernels::winograd_f32::packed_bytes;
  static constexpr auto pack = kernels::winograd_f32::pack;
  static constexpr auto work = kernels::winograd_f32::work;
  static constexpr auto cost = kernels::winograd_f32::cost;
  static constexpr auto run = kernels::winograd_f32::run;
};

template <class Api>
class WeightedKernel final : public Kernel {
 public:
  using Params = typename Api::Params;
  using Element = typename Api::Element;

  WeightedKernel(const Params& params, std::vector<float> multiplier)
      : params_(params), multiplier_(std::move(multiplier)) {
    if constexpr (requires { params_.multiplier; }) params_.multiplier = multiplier_.data();
  }

  size_t workspace_bytes(size_t batch) const override {
    return align_up(Api::work(with_batch(batch)).workspace_bytes);
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const Params params = with_batch(batch);
    const auto* x = reinterpret_cast<const Element*>(values.front());
    auto* y = reinterpret_cast<Element*>(values.back());
    run_tasks(Api::work(params), workspace, pool,
              [&](std::byte* thread_workspace, size_t begin, size_t end) {
                Api::run(params, packed_, x, y, thread_workspace, begin, end);
              });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values,
                     std::byte* workspace) const override {
    if constexpr (requires { Api::reference; }) {
      Api::reference(with_batch(batch), reinterpret_cast<const Element*>(values.front()),
                     reinterpret_cast<Element*>(values.back()));
    } else {
      Kernel::run_reference(batch, values, workspace);
    }
  }

  kernels::Cost cost(size_t batch) const override { return Api::cost(with_batch(batch)); }
  size_t macs() const override { return params_.geometry.macs(); }
  const char* label() const override { return Api::kLabel; }
  size_t packed_bytes() const override { return Api::packed_bytes(params_); }
  void pack(std::byte* memory) override {
    packed_ = memory;
    Api::pack(params_, memory);
  }

 private:
  Params with_batch(size_t batch) const {
    Params params = params_;
    params.geometry.batch *= batch;
    return params;
  }

  Params params_;  // weights and bias lie in the program
  std::vector<float> multiplier_;
  const std::byte* packed_ = nullptr;
};

template <class Api>
std::unique_ptr<Kernel> make_kernel(const typename Api::Params& params,
                                    std::vector<float> multiplier = {}) {
  return std::make_unique<WeightedKernel<Api>>(params, std::move(multiplier));
}

// requantize.h's conditions: no sum leaves 32 bits, before or after its multiplier.
std::vector<float> check_channels(Operands& operands, size_t taps) {
  const int8_t* weight = elements<int8_t>(operands.input(1));
  const int32_t* bias = elements<int32_t>(operands.input(2));
  const float* weight_scale = elements<float>(operands.input(3));
  const QParams& x = *operands.input(0).qparams;
  const QParams& y = *operands.output().qparams;
  const int64_t largest_x = std::max(x.zero_point, 255 - x.zero_point);
  const size_t channels = static_cast<size_t>(operands.input(2).shape[0]);

  // Few layers could reach the limits with any weights, and only their weights are read for it.
  const int64_t most = 128 * static_cast<int64_t>(taps) * largest_x;
  std::vector<float> multiplier(channels);
  for (size_t o = 0; o < channels && operands.ok(); ++o) {
    operands.require(std::isfinite(weight_scale[o]) && weight_scale[o] > 0.0f, "weight_scale[", o,
                     "] is ", weight_scale[o], "; it must be finite and above 0");
    multiplier[o] = kernels::requantize_multiplier(x.scale, weight_scale[o], y.scale);
    const int64_t b = std::abs(int64_t{bias[o]});
    if (b + most <= INT32_MAX && static_cast<double>(b + most) * multiplier[o] <= 0x1p30) continue;
    int64_t sum = 0;
    for (size_t k = 0; k < taps; ++k) sum += std::abs(weight[o * taps + k]);
    const int64_t largest = b + sum * largest_x;
    operands.require(largest <= INT32_MAX, "sums of output channel ", o, " can reach ", largest,
                     ", more than 32 bits hold");
    operands.require(std::isfinite(multiplier[o]), "multiplier of output channel ", o, " is ",
                     multiplier[o], " from scales ", x.scale, ", ", weight_scale[o], " and ",
                     y.scale);
    // f32(acc) rounds up by less than 2^-23 of itself, so 2^30 leaves no doubt about 2^31.
    const double scaled = static_cast<double>(largest) * multiplier[o];
    operands.require(scaled <= 0x1p30, "output channel ", o, " can requantize to ", scaled,
                     ", more than 32 bits hold; its multiplier is ", multiplier[o]);
  }
  return multiplier;
}

Result<std::unique_ptr<Kernel>> bind_u8(Operands& operands, const kernels::Conv2dGeometry& geometry,
                                        bool depthwise) {
  operands.require_constant(3, "weight_scale", DType::f32, operands.input(2).shape);
  const kernels::OutputRange range = operands.integer_range();
  if (!operands.ok()) return operands.failure();
  std::vector<float> multiplier = check_channels(operands, geometry.taps());
  if (!operands.ok()) return operands.failure();

  const auto fill = [&](auto params) {
    params.geometry = geometry;
    params.weight = elements<int8_t>(operands.input(1));
    params.bias = elements<int32_t>(operands.input(2));
    params.x_zero_point = operands.input(0).qparams->zero_point;
    params.range = range;
    return params;
  };
  if (depthwise)
    return make_kernel<DepthwiseU8>(fill(DepthwiseU8::Params()), std::move(multiplier));
  if constexpr (has_operator("winograd_u8s8")) {
    WinogradU8::Params winograd = fill(WinogradU8::Params());
    winograd.tile = kernels::winograd_u8s8::best_tile(winograd);
    if (winograd.tile != 0) return make_kernel<WinogradU8>(winograd, std::move(multiplier));
  }
  return make_kernel<ConvU8>(fill(ConvU8::Params()), std::move(multiplier));
}

Result<std::unique_ptr<Kernel>> bind_f32(Operands& operands,
                                         const kernels::Conv2dGeometry& geometry, bool depthwise,
                                         bool winograd) {
  const RealRange range = operands.real_range();
  if (!operands.ok()) return operands.failure();
  const auto fill = [&](auto params) {
    params.geometry = geometry;
    params.weight = elements<float>(operands.input(1));
    params.bias = elements<float>(operands.input(2));
    params.lo = range.lo;
    params.hi = range.hi;
    return params;
  };
  if (depthwise) return make_kernel<DepthwiseF32>(fill(DepthwiseF32::Params()));
  if (winograd && kernels::winograd_f32::is_supported(geometry)) {
    WinogradF32::Params params;
    params.tile = kernels::winograd_f32::best_tile(geometry);
    if (params.tile != 0) return make_kernel<WinogradF32>(fill(params));
  }
  return make_kernel<ConvF32>(fill(ConvF32::Params()));
}

}  // namespace

Result<std::unique_ptr<Kernel>> bind_weighted(Operands& operands,
                                              const kernels::Conv2dGeometry& geometry,
                                              const Shape& weight_shape, bool winograd) {
  const bool quantized = operands.quantized();
  operands.require_same_dtype(0);
  operands.require(operands.inputs() == (quantized ? 4 : 3), name_of(operands.input(0).dtype),
                   " input takes ", quantized ? "x, weight, bias, weight_scale" : "x, weight, bias",
                   ", there are ", operands.inputs(), " inputs");
  operands.require_constant(1, "weight", quantized ? DType::s8 : DType::f32, weight_shape);
  operands.require_constant(2, "bias", quantized ? DType::s32 : DType::f32,
                            {static_cast<int64_t>(geometry.out_c)});
  if (!operands.ok()) return operands.failure();
  const bool depthwise = geometry.is_depthwise();
  if (quantized) return bind_u8(operands, geometry, depthwise);
  if constexpr (has_operator("f32")) return bind_f32(operands, geometry, depthwise, winograd);
  operands.require(false, "f32 is not part of this build");
  return operands.failure();
}

}  // namespace octet::engine
