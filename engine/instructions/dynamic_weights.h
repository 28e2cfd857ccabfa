// What operations share whose weights are s8 and whose activations are quantized row by row when
// they come (kernels/dynamic_rows.h).
#pragma once

#include "base/buffer.h"
#include "engine/instructions/operands.h"
#include "kernels/dynamic_rows.h"

namespace octet::engine {

// Inputs `at`, weight s8 [outputs, inputs]; at + 1, bias f32 [outputs]; at + 2, weight_scale f32
// [outputs]. Demands them to be so and the bounds of dynamic_rows.h to hold; returns the product
// of one row.
kernels::dynamic_rows::Params dynamic_weights(Operands& operands, size_t at, int64_t inputs,
                                              int64_t outputs);

// A product with its packed weights.
struct DynamicRows {
  kernels::dynamic_rows::Params params;
  AlignedBuffer packed;

  // Demands that there is memory.
  DynamicRows(Operands& operands, const kernels::dynamic_rows::Params& p)
      : params(p), packed(kernels::dynamic_rows::packed_bytes(p)) {
    operands.require(packed.data() != nullptr, "no memory for ",
                     kernels::dynamic_rows::packed_bytes(p), " bytes of packed weights");
    if (operands.ok()) kernels::dynamic_rows::pack(params, packed.data());
  }

  kernels::dynamic_rows::Params with_rows(size_t rows) const {
    kernels::dynamic_rows::Params with = params;
    with.rows = rows;
    return with;
  }
};

}  // namespace octet::engine
