// channels: moves elements within the innermost dimension: parts of rows, and shuffles of them.
//
//   copy     y[r * y_stride + i] = x[r * x_stride + i], i < n
//   shuffle  y[r, j * groups + g] = x[r, g * (n / groups) + j]: a row as a matrix [groups, n /
//            groups], transposed; rows are dense
//
// T: uint8_t or float. Any size incl. 0, no overlap of x and y; groups > 0 divides n. Normative:
// channels_ref.h.
#pragma once

#include <cstddef>

namespace octet::kernels::channels {

// Parts of rows: n elements of each, at x and y and whole strides from there.
struct Rows {
  size_t rows = 0;
  size_t n = 0;
  size_t x_stride = 0, y_stride = 0;  // in elements, at least n
};

template <class T>
void copy(const Rows& rows, const T* x, T* y) noexcept;

template <class T>
void shuffle(size_t rows, size_t n, size_t groups, const T* x, T* y) noexcept;

}  // namespace octet::kernels::channels
