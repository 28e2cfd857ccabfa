// channels, the specification: channels.h one element at a time.
#pragma once

#include "kernels/channels.h"

namespace octet::kernels::ref::channels {

using kernels::channels::Rows;

template <class T>
void copy(const Rows& rows, const T* x, T* y) {
  for (size_t r = 0; r < rows.rows; ++r)
    for (size_t i = 0; i < rows.n; ++i) y[r * rows.y_stride + i] = x[r * rows.x_stride + i];
}

template <class T>
void shuffle(size_t rows, size_t n, size_t groups, const T* x, T* y) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t j = 0; j < n / groups; ++j)
      for (size_t g = 0; g < groups; ++g)
        y[r * n + j * groups + g] = x[r * n + g * (n / groups) + j];
}

}  // namespace octet::kernels::ref::channels
