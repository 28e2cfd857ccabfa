#include "kernels/pad.h"

#include <algorithm>
#include <cstdint>

namespace octet::kernels::pad {
namespace {

// A row of pixels from one stride between pixels to another.
template <class T>
void copy_row(const Params& p, const T* from, size_t from_stride, T* to, size_t to_stride) {
  if (p.in_c == p.out_c) {
    std::copy_n(from, p.in_w * p.in_c, to);
    return;
  }
  for (size_t j = 0; j < p.in_w; ++j)
    std::copy_n(from + j * from_stride, p.in_c, to + j * to_stride);
}

// Where in a row of y those of x begin.
size_t row_start(const Params& p) { return p.pad_left * p.out_c + p.pad_front; }

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
    copy_row(p, x + (n * p.in_h + i - p.pad_top) * in_row, p.in_c, to + row_start(p), p.out_c);
  }
}

template void run(const Params&, uint8_t, const uint8_t*, uint8_t*, size_t, size_t) noexcept;
template void run(const Params&, float, const float*, float*, size_t, size_t) noexcept;

Work gradient_work(const Params& params) noexcept { return {.tasks = params.batch * params.in_h}; }

void gradient(const Params& p, const float* dy, float* dx, size_t begin, size_t end) noexcept {
  const size_t in_row = p.in_w * p.in_c, out_row = p.out_w * p.out_c;
  for (size_t task = begin; task < end; ++task) {
    const size_t n = task / p.in_h, i = task % p.in_h;
    const float* from = dy + (n * p.out_h + p.pad_top + i) * out_row + row_start(p);
    copy_row(p, from, p.out_c, dx + task * in_row, p.in_c);
  }
}

}  // namespace octet::kernels::pad
