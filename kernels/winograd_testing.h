// The layers that the tests of winograd_f32, winograd_f32_dw and winograd_u8s8 run.
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::testing {

// `after` rows and columns of padding at the bottom and right.
inline Conv2dGeometry three_by_three(size_t batch, size_t h, size_t w, size_t in_c, size_t out_c,
                                     size_t pad = 1, size_t after = 1) {
  return {.batch = batch,
          .in_h = h,
          .in_w = w,
          .in_c = in_c,
          .out_h = h + pad + after - 2,
          .out_w = w + pad + after - 2,
          .out_c = out_c,
          .kernel_h = 3,
          .kernel_w = 3,
          .pad_top = pad,
          .pad_left = pad};
}

}  // namespace octet::kernels::testing
