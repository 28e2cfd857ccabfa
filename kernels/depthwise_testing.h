// The layers that tests of the depthwise f32 kernels, forward and backward, run over.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::testing {

// Square kernel, padding `pad` before and `pad_after` after in both directions.
inline Conv2dGeometry square(size_t h, size_t w, size_t channels, size_t kernel, size_t stride,
                             size_t pad, size_t pad_after, size_t dilation = 1, size_t batch = 1) {
  const size_t reach = (kernel - 1) * dilation + 1;
  return {.batch = batch,
          .in_h = h,
          .in_w = w,
          .in_c = channels,
          .out_h = (h + pad + pad_after - reach) / stride + 1,
          .out_w = (w + pad + pad_after - reach) / stride + 1,
          .out_c = channels,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = pad,
          .pad_left = pad,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .groups = channels};
}

// The odd cases, each in a few layers; three by three has forms of its own.
inline std::vector<Conv2dGeometry> around_every_vector() {
  std::vector<Conv2dGeometry> layers;
  for (const size_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100}) {
    layers.push_back(square(5, 7, channels, 3, 1, 1, 1));
    layers.push_back(square(6, 8, channels, 3, 2, 1, 1));
    layers.push_back(square(5, 8, channels, 5, 1, 2, 2));
  }
  return layers;
}

inline std::vector<Conv2dGeometry> three_by_three_of_every_width() {
  std::vector<Conv2dGeometry> layers;
  for (size_t width = 1; width < 30; ++width)
    for (const size_t stride : {1, 2})
      for (const size_t pad : {0, 1})
        for (const size_t pad_after : {0, 1, 2})
          if (width + pad + pad_after >= 3)
            layers.push_back(square(3, width, 19, 3, stride, pad, pad_after));
  return layers;
}

inline std::vector<Conv2dGeometry> kernels_strides_and_dilations() {
  std::vector<Conv2dGeometry> layers;
  for (const size_t kernel : {1, 2, 3, 5, 7})
    for (const size_t stride : {1, 2, 3})
      for (const size_t dilation : {1, 2})
        for (const size_t pad : {0, 1, 3})
          layers.push_back(square(13, 16, 20, kernel, stride, pad, pad / 2 + 1, dilation, 2));
  return layers;
}

inline std::vector<Conv2dGeometry> different_in_height_and_width() {
  std::vector<Conv2dGeometry> layers;
  for (const size_t stride_h : {1, 3})
    for (const size_t dilation_h : {1, 2})
      layers.push_back({.in_h = 12,
                        .in_w = 10,
                        .in_c = 17,
                        .out_h = (12 + 2 - 2 * dilation_h - 1) / stride_h + 1,
                        .out_w = 10,
                        .out_c = 17,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = stride_h,
                        .pad_top = 1,
                        .pad_left = 1,
                        .dilation_h = dilation_h,
                        .groups = 17});
  layers.push_back({.in_h = 6,
                    .in_w = 12,
                    .in_c = 5,
                    .out_h = 6,
                    .out_w = 12,
                    .out_c = 5,
                    .kernel_h = 1,
                    .kernel_w = 7,
                    .pad_left = 3,
                    .groups = 5});
  layers.push_back({.in_h = 9,
                    .in_w = 4,
                    .in_c = 18,
                    .out_h = 5,
                    .out_w = 3,
                    .out_c = 18,
                    .kernel_h = 5,
                    .kernel_w = 3,
                    .stride_h = 2,
                    .pad_top = 2,
                    .pad_left = 1,
                    .groups = 18});
  return layers;
}

inline std::vector<Conv2dGeometry> windows_wholly_outside_the_image() {
  return {square(2, 3, 20, 3, 1, 5, 4), square(2, 3, 20, 3, 2, 4, 5), square(2, 3, 20, 5, 1, 6, 7),
          square(3, 2, 20, 5, 2, 6, 7, 3)};
}

// The last layers of networks on small images: 4x4, 2x2 and 1x1.
inline std::vector<Conv2dGeometry> tiny_images() {
  std::vector<Conv2dGeometry> layers;
  for (const size_t kernel : {3, 5})
    for (const size_t stride : {1, 2})
      for (const size_t size : {1, 2, 4})
        layers.push_back(square(size, size, 40, kernel, stride, kernel / 2, kernel / 2, 1, 5));
  return layers;
}

}  // namespace octet::kernels::testing
