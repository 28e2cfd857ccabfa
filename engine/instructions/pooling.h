// What the three pooling operations share.
#pragma once

#include <memory>

#include "engine/instructions.h"
#include "engine/instructions/operands.h"
#include "kernels/pool_geometry.h"

namespace octet::engine {

// kernel_h and kernel_w from the attributes, the rest as Operands::read_window; the padding must be
// below the kernel's extent, dilated. The operands are images (require_images) with the same number
// of channels.
void read_pool_window(Operands& operands, kernels::PoolGeometry& pool, bool dilated);

// Demands images with the same number of channels and dtype.
void require_pool_images(Operands& operands);

enum class Pooling { max, avg };

// Binds the kernel for a geometry that has been checked; for u8 average pooling it demands that
// scale_x / scale_y keeps every result inside 32 bits.
Result<std::unique_ptr<Kernel>> bind_pool(Operands& operands, Pooling pooling,
                                          const kernels::PoolGeometry& pool);

}  // namespace octet::engine
