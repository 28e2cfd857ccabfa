#include "kernels/pad.h"

#include <algorithm>
#include <cstdint>

namespace octet::kernels::pad {
namespace {

// x's pixels into a row of y that is filled already.
template <class T>
void copy_row(const Params& p, const T* x, T* y) {
  y += p.pad_left * p.out_c + p.pad_front;
  if (p.in_c == p.out_c) {
    std::copy_n(x, p.in_w * p.in_c, y);
    return;
  }
  for (size_t j = 0; j < p.in_w; ++j) std::copy_n(x + j * p.in_c, p.in_c, y + j * p.out_c);
}

}  // namespace

Work work(const Params& params) noexcept { return {.tasks = params.batch * params.out_h}; }

template <class T>
void run(const Params& p, T value, const T* x, T* y, size_t begin, size_t end) noexcept {
  const size_t in_row = p.in_w * p.in_c, out_row = p.out_w * p.out_c;
  for (size_t task = begin; task < end; ++task) {
    T* to = y + task * out_row;
    // A whole row at once: cheaper than the few elements between two pixels many times.
    std::fill_n(to, out_row, value);
    const size_t n = task / p.out_h, i = task % p.out_h;
    if (i < p.pad_top || i - p.pad_top >= p.in_h) continue;
    copy_row(p, x + (n * p.in_h + i - p.pad_top) * in_row, to);
  }
}

template void run(const Params&, uint8_t, const uint8_t*, uint8_t*, size_t, size_t) noexcept;
template void run(const Params&, float, const float*, float*, size_t, size_t) noexcept;

}  // namespace octet::kernels::pad
