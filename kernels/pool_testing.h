// What the tests of pool_f32 and pool_u8 share: geometries, and the windows that both compare with
// their reference.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "kernels/kernel_testing.h"
#include "kernels/pool_geometry.h"

namespace octet::kernels::testing {

inline Conv2dGeometry square_pool(size_t in, size_t c, size_t out, size_t kernel, size_t stride,
                                  size_t pad, size_t batch = 1) {
  Conv2dGeometry g;
  g.batch = batch, g.in_h = g.in_w = in, g.in_c = g.out_c = c, g.out_h = g.out_w = out;
  g.kernel_h = g.kernel_w = kernel, g.stride_h = g.stride_w = stride, g.pad_top = g.pad_left = pad;
  return g;
}

// Calls check(pool, edge) with 3x3 and 2x2 windows of 1 to max_channels channels, and with adaptive
// ones of the channel counts in `more`.
template <class Check>
void for_every_channel_count(size_t max_channels, std::initializer_list<size_t> more,
                             const Check& check) {
  for (size_t c = 1; c <= max_channels; ++c) {
    check(PoolGeometry{square_pool(5, c, 3, 3, 2, 1)}, Edge::end);
    check(PoolGeometry{square_pool(4, c, 2, 2, 2, 0, 2)}, Edge::start);
  }
  for (const size_t c : more)
    check(PoolGeometry{square_pool(7, c, 1, 1, 1, 0), /*adaptive=*/true}, Edge::end);
}

// Calls check(pool, edge) with windows of every kind: uneven, dilated, outside the image, adaptive.
template <class Check>
void for_every_kind_of_window(std::initializer_list<size_t> channels, const Check& check) {
  for (const size_t c : channels)
    for (const bool count_include_pad : {true, false}) {
      Conv2dGeometry g = square_pool(9, c, 4, 3, 3, 1, 3);
      g.kernel_w = 2, g.stride_w = 1, g.out_w = 10, g.in_h = 11, g.dilation_h = 2;
      check(PoolGeometry{g, false, count_include_pad}, Edge::end);
      // Windows partly and wholly outside, at both sides.
      g = square_pool(3, c, 9, 2, 1, 3);
      check(PoolGeometry{g, false, count_include_pad}, Edge::start);
      g = square_pool(4, c, 2, 3, 3, 0);
      check(PoolGeometry{g, false, count_include_pad}, Edge::end);
    }
  for (size_t in = 1; in <= 8; ++in)
    for (size_t out = 1; out <= 8; ++out)
      check(PoolGeometry{square_pool(in, 17, out, 1, 1, 0), /*adaptive=*/true}, Edge::end);
}

}  // namespace octet::kernels::testing
