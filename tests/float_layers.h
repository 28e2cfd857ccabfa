// check_float_layers: a float program against the module that it was lowered from, layer by layer.
#pragma once

#include "engine/program.h"
#include "quant/prepare.h"
#include "tensor/tensor.h"

namespace octet::testing {

// Every layer of the program against the ops of the graph, both on what the program has computed up
// to there: bit for bit, or within a bound where batch norm is folded into weights or minimal
// filtering is allowed (both round elsewhere than the ops). `prepared` is of the same module, in
// eval mode; x: any batch.
void check_float_layers(const quant::PreparedModel& prepared, const engine::Program& program,
                        const Tensor& x);

}  // namespace octet::testing
