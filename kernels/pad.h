// pad: an image within a larger one that is one value elsewhere, channels included.
//
//   y[n, i, j, c] = x[n, i - pad_top, j - pad_left, c - pad_front], or `value` where x has no such
//   element
//
// x: [batch, in_h, in_w, in_c], y: [batch, out_h, out_w, out_c], T: uint8_t or float, no overlap.
// Any size incl. 0 with in + pad <= out in each dimension. Copies bytes, so there is one version
// for all targets. Normative: pad_ref.h.
#pragma once

#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::pad {

struct Params {
  size_t batch = 1;
  size_t in_h = 1, in_w = 1, in_c = 1;
  size_t out_h = 1, out_w = 1, out_c = 1;
  size_t pad_top = 0, pad_left = 0, pad_front = 0;  // front: channels before those of x
};

// A task is a row of y.
Work work(const Params& params) noexcept;
template <class T>
void run(const Params& params, T value, const T* x, T* y, size_t begin, size_t end) noexcept;

// The gradient with respect to x: the elements of dy that x's went to. A task is a row of x.
Work gradient_work(const Params& params) noexcept;
void gradient(const Params& params, const float* dy, float* dx, size_t begin, size_t end) noexcept;

}  // namespace octet::kernels::pad
