// table_u8, the specification: table_u8.h one element at a time.
#pragma once

#include "kernels/table_u8.h"

namespace octet::kernels::ref::table_u8 {

using kernels::table_u8::Rows;

inline void run_rows(const uint8_t* table, const Rows& rows, const uint8_t* x, uint8_t* y) {
  for (size_t r = 0; r < rows.rows; ++r)
    for (size_t i = 0; i < rows.n; ++i) y[r * rows.y_stride + i] = table[x[r * rows.x_stride + i]];
}

}  // namespace octet::kernels::ref::table_u8
