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

// Throws octet::Error unless padding is at most half the kernel: no window is wholly outside.
void check_pool_padding(const char* op, const Window2d& window);

// The window as the engine's pooling instructions want it.
std::vector<engine::Attribute> pool_attributes(const char* op, const Window2d& window,
                                               const Lowering& layer);

}  // namespace octet::nn
