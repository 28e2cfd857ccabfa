// sigmoid, tanh, gelu, silu, hardsigmoid, hardswish, leaky_relu, elu: see the table in
// engine/instructions.h.
#pragma once

#include "engine/instructions.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_pointwise(const Program& program,
                                                 const Instruction& instruction);

}  // namespace octet::engine
