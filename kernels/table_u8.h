// table_u8: any function of a byte, by its 256 values.
//
//   y[r * y_stride + i] = table[x[r * x_stride + i]], i < n
//
// table: u8 [256]. Any size incl. 0, no alignment; y may be x where the strides are the same, and
// does not overlap it otherwise. Normative: table_u8_ref.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/channels.h"

namespace octet::kernels::table_u8 {

using channels::Rows;

void run(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) noexcept;
void run_rows(const uint8_t* table, const Rows& rows, const uint8_t* x, uint8_t* y) noexcept;

}  // namespace octet::kernels::table_u8
