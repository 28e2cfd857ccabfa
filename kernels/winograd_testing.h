// The layers that the tests of winograd_f32, winograd_f32_dw and winograd_u8s8 run, and what these
// kernels support.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <vector>

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

// Batches of two.
inline std::vector<Conv2dGeometry> images_of_every_size_and_padding(size_t in_c, size_t out_c) {
  std::vector<Conv2dGeometry> all;
  for (size_t h = 1; h < 11; ++h)
    for (const size_t pad : {0, 1, 2})
      for (const size_t after : {0, 1, 2})
        if (h + pad + after >= 3)
          all.push_back(three_by_three(2, h, h % 4 + 3, in_c, out_c, pad, after));
  return all;
}

inline std::vector<Conv2dGeometry> images_smaller_than_a_tile(size_t in_c, size_t out_c) {
  std::vector<Conv2dGeometry> all;
  for (const size_t h : {1, 2, 3})
    for (const size_t w : {1, 2, 3}) all.push_back(three_by_three(3, h, w, in_c, out_c));
  return all;
}

inline void check_supports_three_by_three_alone(bool (*is_supported)(const Conv2dGeometry&)) {
  const Conv2dGeometry good = three_by_three(1, 8, 8, 16, 16);
  BOOST_TEST(is_supported(good));
  Conv2dGeometry g = good;
  g.kernel_w = 1;
  BOOST_TEST(!is_supported(g));
  g = good;
  g.stride_h = 2;
  BOOST_TEST(!is_supported(g));
  g = good;
  g.dilation_w = 2;
  BOOST_TEST(!is_supported(g));
  g = good;
  g.groups = 2;
  BOOST_TEST(!is_supported(g));
}

}  // namespace octet::kernels::testing
