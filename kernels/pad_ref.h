// pad, the specification: pad.h element by element.
#pragma once

#include "kernels/pad.h"

namespace octet::kernels::ref::pad {

using kernels::pad::Params;

template <class T>
void run(const Params& p, T value, const T* x, T* y) {
  // Below the padding i - pad wraps around, beyond every extent.
  const auto element = [&](size_t n, size_t i, size_t j, size_t c) {
    if (i >= p.in_h || j >= p.in_w || c >= p.in_c) return value;
    return x[((n * p.in_h + i) * p.in_w + j) * p.in_c + c];
  };
  for (size_t n = 0; n < p.batch; ++n)
    for (size_t i = 0; i < p.out_h; ++i)
      for (size_t j = 0; j < p.out_w; ++j)
        for (size_t c = 0; c < p.out_c; ++c)
          *y++ = element(n, i - p.pad_top, j - p.pad_left, c - p.pad_front);
}

inline void gradient(const Params& p, const float* dy, float* dx) {
  for (size_t n = 0; n < p.batch; ++n)
    for (size_t i = 0; i < p.in_h; ++i)
      for (size_t j = 0; j < p.in_w; ++j)
        for (size_t c = 0; c < p.in_c; ++c)
          *dx++ = dy[((n * p.out_h + i + p.pad_top) * p.out_w + j + p.pad_left) * p.out_c + c +
                     p.pad_front];
}

}  // namespace octet::kernels::ref::pad
