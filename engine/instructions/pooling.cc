#include "engine/instructions/pooling.h"

#include <algorithm>

#include "engine/instructions/run_tasks.h"
#include "kernels/pool_f32.h"
#include "kernels/pool_f32_ref.h"
#include "kernels/pool_u8.h"
#include "kernels/pool_u8_ref.h"

namespace octet::engine {
namespace {

// The kernel or its specification.
void run_range(Pooling pooling, const kernels::pool_u8::Params& params, const uint8_t* x,
               uint8_t* y, void* workspace, size_t begin, size_t end) {
  const auto run = pooling == Pooling::max ? kernels::pool_u8::max : kernels::pool_u8::avg;
  run(params, x, y, workspace, begin, end);
}
void run_range(Pooling pooling, const kernels::pool_f32::Params& params, const float* x, float* y,
               void* workspace, size_t begin, size_t end) {
  const auto run = pooling == Pooling::max ? kernels::pool_f32::max : kernels::pool_f32::avg;
  run(params, x, y, workspace, begin, end);
}
void run_whole_reference(Pooling pooling, const kernels::pool_u8::Params& params, const uint8_t* x,
                         uint8_t* y) {
  const auto run =
      pooling == Pooling::max ? kernels::ref::pool_u8::max : kernels::ref::pool_u8::avg;
  run(params, x, y, 0, params.pool.geometry.batch * params.pool.geometry.out_h);
}
void run_whole_reference(Pooling pooling, const kernels::pool_f32::Params& params, const float* x,
                         float* y) {
  const auto run =
      pooling == Pooling::max ? kernels::ref::pool_f32::max : kernels::ref::pool_f32::avg;
  run(params, x, y);
}
kernels::Work work_of(const kernels::pool_u8::Params& params) {
  return kernels::pool_u8::work(params);
}
kernels::Work work_of(const kernels::pool_f32::Params& params) {
  return kernels::pool_f32::work(params);
}

template <class Element, class Params>
class PoolKernel final : public Kernel {
 public:
  PoolKernel(Pooling pooling, const Params& params, const char* label)
      : pooling_(pooling), params_(params), label_(label) {}

  size_t workspace_bytes(size_t batch) const override {
    return align_up(work_of(with_batch(batch)).workspace_bytes);
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const Params params = with_batch(batch);
    const auto* x = reinterpret_cast<const Element*>(values[0]);
    auto* y = reinterpret_cast<Element*>(values[1]);
    run_tasks(work_of(params), workspace, pool,
              [&](std::byte* thread_workspace, size_t begin, size_t end) {
                run_range(pooling_, params, x, y, thread_workspace, begin, end);
              });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    run_whole_reference(pooling_, with_batch(batch), reinterpret_cast<const Element*>(values[0]),
                        reinterpret_cast<Element*>(values[1]));
  }

  const char* label() const override { return label_; }

 private:
  Params with_batch(size_t batch) const {
    Params params = params_;
    params.pool.geometry.batch = batch;
    return params;
  }

  Pooling pooling_;
  Params params_;
  const char* label_;
};

// Elements of the largest window inside the image.
double largest_window(const kernels::PoolGeometry& pool) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  const auto extent = [&](size_t in, size_t out, size_t kernel) {
    // A window of adaptive pooling touches at most one position more at either end.
    return std::min(in, pool.adaptive ? in / out + 2 : kernel);
  };
  return static_cast<double>(extent(g.in_h, g.out_h, g.kernel_h)) *
         static_cast<double>(extent(g.in_w, g.out_w, g.kernel_w));
}

}  // namespace

void require_pool_images(Operands& operands) {
  operands.require_images();
  operands.require_same_dtype(0);
  if (!operands.ok()) return;
  operands.require(operands.input(0).shape[3] == operands.output().shape[3], "input ",
                   operands.input(0).shape, " and output ", operands.output().shape,
                   " differ in channels");
}

void read_pool_window(Operands& operands, kernels::PoolGeometry& pool, bool dilated) {
  kernels::Conv2dGeometry& g = pool.geometry;
  g.kernel_h = operands.size("kernel_h", 1);
  g.kernel_w = operands.size("kernel_w", 1);
  operands.read_window(g, dilated);
  const size_t pad_h = std::max(g.pad_top, operands.size("pad_bottom", 0, 0));
  const size_t pad_w = std::max(g.pad_left, operands.size("pad_right", 0, 0));
  const size_t extent_h = (g.kernel_h - 1) * g.dilation_h + 1;
  const size_t extent_w = (g.kernel_w - 1) * g.dilation_w + 1;
  operands.require(pad_h < extent_h && pad_w < extent_w, "padding ", pad_h, " x ", pad_w,
                   " is not below the kernel's extent, ", extent_h, " x ", extent_w);
}

Result<std::unique_ptr<Kernel>> bind_pool(Operands& operands, Pooling pooling,
                                          const kernels::PoolGeometry& pool) {
  if (!operands.ok()) return operands.failure();
  const bool is_max = pooling == Pooling::max;
  if (!operands.quantized()) {
    const kernels::pool_f32::Params params{pool};
    return std::unique_ptr<Kernel>(new PoolKernel<float, kernels::pool_f32::Params>(
        pooling, params, is_max ? "max_pool_f32" : "avg_pool_f32"));
  }
  const QParams& x = *operands.input(0).qparams;
  const float ratio = x.scale / operands.output().qparams->scale;
  if (!is_max) {
    // The average of a window is at most 255, before ratio.
    operands.require(255.0 * ratio <= 0x1p30, "scale ", x.scale, " of the input over scale ",
                     operands.output().qparams->scale, " of the output is too large for 32 bits");
    operands.require(255.0 * largest_window(pool) <= 0x1p31 - 1, "sum over a window of ",
                     largest_window(pool), " elements can leave 32 bits");
    if (!operands.ok()) return operands.failure();
  }
  const kernels::pool_u8::Params params{pool, x.zero_point, ratio, operands.output_range()};
  return std::unique_ptr<Kernel>(new PoolKernel<uint8_t, kernels::pool_u8::Params>(
      pooling, params, is_max ? "max_pool_u8" : "avg_pool_u8"));
}

}  // namespace octet::engine
