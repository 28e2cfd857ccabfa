// The layers that the tests of conv_f32_dx and conv_f32_dw go through: odd sizes, strides,
// dilations, groups, uneven padding, rows that no window reaches.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::testing {

// A square kernel; `more` rows and columns of padding at the bottom and right beyond `pad`.
struct GradShape {
  size_t batch = 2, in_h = 11, in_w = 10, in_c = 5, out_c = 6;
  size_t kernel = 3, stride = 1, pad = 1, dilation = 1, groups = 1, more = 0;

  Conv2dGeometry geometry() const {
    const size_t reach = (kernel - 1) * dilation + 1;
    return {.batch = batch,
            .in_h = in_h,
            .in_w = in_w,
            .in_c = in_c,
            .out_h = (in_h + 2 * pad + more - reach) / stride + 1,
            .out_w = (in_w + 2 * pad + more - reach) / stride + 1,
            .out_c = out_c,
            .kernel_h = kernel,
            .kernel_w = kernel,
            .stride_h = stride,
            .stride_w = stride,
            .pad_top = pad,
            .pad_left = pad,
            .dilation_h = dilation,
            .dilation_w = dilation,
            .groups = groups};
  }
};

// Includes layers where (in + 2 * pad - kernel) % stride != 0, kernels smaller than the stride,
// padding beyond the kernel, and dilations that divide the stride or not.
inline std::vector<Conv2dGeometry> windows() {
  std::vector<Conv2dGeometry> all;
  for (const size_t in_c : {1, 3, 5, 16})
    for (const size_t kernel : {1, 2, 3, 5})
      for (const size_t stride : {1, 2, 3, 4})
        for (const size_t dilation : {1, 2, 3})
          for (const size_t pad : {0, 1, 2})
            if ((kernel - 1) * dilation < 10 && (kernel > 1 || dilation == 1))
              all.push_back(GradShape{.in_c = in_c,
                                      .out_c = in_c == 5 ? size_t{18} : size_t{7},
                                      .kernel = kernel,
                                      .stride = stride,
                                      .pad = pad,
                                      .dilation = dilation,
                                      .more = pad}
                                .geometry());
  return all;
}

// Height and width that differ in everything; windows wholly outside the image.
inline std::vector<Conv2dGeometry> uneven_windows() {
  std::vector<Conv2dGeometry> all;
  for (const size_t in_c : {3, 6, 20}) {
    all.push_back({.in_h = 12,
                   .in_w = 13,
                   .in_c = in_c,
                   .out_h = 4,
                   .out_w = 7,
                   .out_c = 20,
                   .kernel_h = 3,
                   .kernel_w = 3,
                   .stride_h = 3,
                   .stride_w = 2,
                   .pad_left = 1,
                   .dilation_h = 2});
    all.push_back({.in_h = 6,
                   .in_w = 12,
                   .in_c = in_c,
                   .out_h = 6,
                   .out_w = 12,
                   .out_c = 20,
                   .kernel_h = 1,
                   .kernel_w = 7,
                   .pad_left = 3});
    all.push_back({.in_h = 2,
                   .in_w = 3,
                   .in_c = in_c,
                   .out_h = 9,
                   .out_w = 10,
                   .out_c = 5,
                   .kernel_h = 3,
                   .kernel_w = 3,
                   .pad_top = 4,
                   .pad_left = 5});
  }
  return all;
}

inline std::vector<Conv2dGeometry> grouped() {
  std::vector<Conv2dGeometry> all;
  for (const size_t groups : {2, 3})
    for (const size_t group_out : {1, 5, 16, 33})
      for (const size_t stride : {1, 2})
        for (const size_t kernel : {1, 3})
          all.push_back(GradShape{.in_h = 5,
                                  .in_w = 6,
                                  .in_c = groups * (kernel + 2),
                                  .out_c = groups * group_out,
                                  .kernel = kernel,
                                  .stride = stride,
                                  .pad = kernel / 2,
                                  .groups = groups}
                            .geometry());
  // Depthwise.
  all.push_back(GradShape{.in_c = 20, .out_c = 20, .stride = 2, .groups = 20}.geometry());
  return all;
}

// Channels and linear layers around the tiles of every target.
inline std::vector<Conv2dGeometry> channels() {
  std::vector<Conv2dGeometry> all;
  for (const size_t in_c : {1, 3, 8, 15, 16, 17, 24, 32, 33, 47, 48, 65})
    for (const size_t out_c : {1, 2, 7, 9, 13, 16, 19, 24, 32, 48})
      all.push_back({.batch = in_c % 5 + 1, .in_c = in_c, .out_c = out_c});
  for (const size_t in_c : {3, 16, 24, 32, 40, 64})
    for (const size_t out_c : {16, 24, 32})
      all.push_back(GradShape{.in_h = 5, .in_w = 6, .in_c = in_c, .out_c = out_c}.geometry());
  return all;
}

// Several tasks each, as small as that may be: checked code and emulators run them, too.
inline std::vector<Conv2dGeometry> large_layers() {
  return {
      GradShape{.batch = 3, .in_h = 32, .in_w = 32, .in_c = 16, .out_c = 16}.geometry(),
      GradShape{.batch = 3, .in_h = 33, .in_w = 32, .in_c = 32, .out_c = 40, .stride = 2}
          .geometry(),
      GradShape{.batch = 9, .in_h = 31, .in_w = 33, .in_c = 3, .out_c = 32, .stride = 2}.geometry(),
      GradShape{.batch = 17, .in_h = 8, .in_w = 8, .in_c = 32, .out_c = 32}.geometry(),
      {.batch = 5, .in_c = 500, .out_c = 1200},
      {.batch = 3, .in_h = 29, .in_w = 29, .in_c = 24, .out_h = 29, .out_w = 29, .out_c = 72},
      GradShape{.batch = 3, .in_h = 28, .in_w = 28, .in_c = 32, .out_c = 32, .groups = 2}
          .geometry(),
  };
}

}  // namespace octet::kernels::testing
