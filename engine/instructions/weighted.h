// What conv2d and linear share: weights, bias, fused activation, packing and running.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/instructions.h"
#include "engine/instructions/operands.h"
#include "kernels/conv2d_geometry.h"

namespace octet::engine {

// inputs of both: x, weight, bias and, when x is u8, weight_scale. Checks them and the attributes
// of the range against a geometry (of one image, or all rows of batch 1) that has been checked, and
// binds the depthwise kernel where the geometry is depthwise, else the general one. Refuses a layer
// whose sums could leave 32 bits. winograd: a layer in f32 may take minimal filtering where that is
// faster for one image (kernels/winograd_f32.h).
Result<std::unique_ptr<Kernel>> bind_weighted(Operands& operands,
                                              const kernels::Conv2dGeometry& geometry,
                                              const Shape& weight_shape, bool winograd = false);

}  // namespace octet::engine
