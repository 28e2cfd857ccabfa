// What the poolings share.
#pragma once

#include "kernels/pool_f32.h"
#include "nn/op_support.h"
#include "nn/window2d.h"

namespace octet::nn {

// kernels::pool_f32::max or avg.
using PoolKernel = void (*)(const kernels::pool_f32::Params& params, const float* x, float* y,
                            void* workspace, size_t begin, size_t end) noexcept;

Tensor run_pool(PoolKernel kernel, const kernels::PoolGeometry& pool, const Tensor& x);

// d loss / d x of the average pooling, from dy: each position of a window gets an equal part.
Tensor avg_pool_gradient(const kernels::PoolGeometry& pool, const Shape& x, const Tensor& dy);

// visit(out, rows, columns) for every window of image n; out counts the pixels of the batch's y.
template <class Visit>
void for_each_window(const kernels::PoolGeometry& pool, size_t n, const Visit& visit) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  for (size_t oy = 0; oy < g.out_h; ++oy)
    for (size_t ox = 0; ox < g.out_w; ++ox)
      visit((n * g.out_h + oy) * g.out_w + ox, pool.rows(oy), pool.columns(ox));
}

// visit(in) for every position of a window of image n, row by row; in counts the pixels of x.
template <class Visit>
void for_each_position(const kernels::PoolGeometry& pool, size_t n,
                       const kernels::PoolGeometry::Window& rows,
                       const kernels::PoolGeometry::Window& columns, const Visit& visit) {
  const kernels::Conv2dGeometry& g = pool.geometry;
  for (size_t y = rows.first; y < rows.last; y += rows.step)
    for (size_t x = columns.first; x < columns.last; x += columns.step)
      visit((n * g.in_h + y) * g.in_w + x);
}

// Throws octet::Error unless padding is at most half the kernel: no window is wholly outside.
void check_pool_padding(const char* op, const Window2d& window);

// The window as the engine's pooling instructions want it.
std::vector<engine::Attribute> pool_attributes(const char* op, const Window2d& window,
                                               const Lowering& layer);

}  // namespace octet::nn
