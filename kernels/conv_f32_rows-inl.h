// Where the inputs of a block of output rows lie: the table of pointers that the register tile
// reads. Inputs that cannot be read in place are copied.
#if defined(OCTET_KERNELS_CONV_F32_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_CONV_F32_ROWS_INL_H_
#undef OCTET_KERNELS_CONV_F32_ROWS_INL_H_
#else
#define OCTET_KERNELS_CONV_F32_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "hwy/highway.h"
#include "kernels/conv_f32_layout.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_f32::HWY_NAMESPACE {

// Of a block of output rows.
class RowTable {
 public:
  RowTable(const Conv2dGeometry& g, const Layout& l, const float* x, const float* zeros,
           void* workspace)
      : g_(g),
        l_(l),
        x_(x),
        zeros_(zeros),
        table_(static_cast<const float**>(workspace)),
        copies_(reinterpret_cast<float*>(static_cast<std::byte*>(workspace) + l.table_bytes())) {}

  const float* const* pointers() const { return table_; }

  void fill(size_t first, size_t rows) {
    if (first == first_ && rows == step_) return;
    first_ = first;
    step_ = rows;
    if (l_.addressing == Addressing::dense) {
      sequence(table_, rows, x_ + first * g_.in_c, g_.in_c);
    } else {
      fill_image_rows(first, rows);
    }
    if (l_.copy_step != 0) copy_rows();
  }

 private:
  // A loop that compilers turn into vectors.
  static void sequence(const float** to, size_t n, const float* first, size_t step) {
    for (size_t i = 0; i < n; ++i) to[i] = first + i * step;
  }

  void copy_rows() {
    for (size_t i = 0; i < step_; ++i)
      if (table_[i] != zeros_) {
        float* copy = copies_ + i * l_.copy_step;
        std::copy_n(table_[i], g_.in_c, copy);
        table_[i] = copy;
      }
  }

  void fill_image_rows(size_t first, size_t rows) {
    // Pieces of the block that lie in one row of the image.
    for (size_t done = 0; done < rows;) {
      const size_t ox = (first + done) % g_.out_w;
      const size_t image_row = (first + done) / g_.out_w;
      const size_t count = std::min(rows - done, g_.out_w - ox);
      fill_image_row(image_row / g_.out_h, image_row % g_.out_h, ox, count, done);
      done += count;
    }
  }

  void fill_image_row(size_t n, size_t oy, size_t ox, size_t count, size_t at) {
    const size_t columns = l_.taps / g_.kernel_h;
    for (size_t ky = 0; ky < g_.kernel_h; ++ky) {
      const size_t iy = oy * g_.stride_h + ky * g_.dilation_h - g_.pad_top;
      for (size_t kx = 0; kx < columns; ++kx) {
        const float** to = table_ + (ky * columns + kx) * step_ + at;
        if (iy >= g_.in_h) {  // above or below
          std::fill(to, to + count, zeros_);
        } else {
          const float* image_row = x_ + (n * g_.in_h + iy) * g_.in_w * g_.in_c;
          fill_tap(image_row, kx * g_.dilation_w, ox, count, to, (ky * step_ + at) * l_.run);
        }
      }
    }
  }

  // Outputs [ox, ox + count), whose windows begin at column ox * stride_w + shift - pad_left.
  void fill_tap(const float* image_row, size_t shift, size_t ox, size_t count, const float** to,
                size_t span_at) {
    const bool spans = l_.addressing == Addressing::row_spans;
    const size_t width = spans ? g_.kernel_w : 1;
    // Outputs [begin, end) have their whole window inside the image.
    const ptrdiff_t left = static_cast<ptrdiff_t>(g_.pad_left - shift);
    const ptrdiff_t room = left + static_cast<ptrdiff_t>(g_.in_w - width);  // last beginning
    const size_t before = left > 0 ? static_cast<size_t>(left) : 0;
    const size_t from = (before + g_.stride_w - 1) / g_.stride_w;
    const size_t until = room < 0 ? 0 : static_cast<size_t>(room) / g_.stride_w + 1;
    const size_t begin = std::clamp(from, ox, ox + count);
    const size_t end = std::clamp(until, begin, ox + count);
    const auto outside = [&](size_t i) {
      const size_t ix = i * g_.stride_w + shift - g_.pad_left;  // may wrap around
      to[i - ox] = spans ? copy_span(image_row, ix, span_at + (i - ox) * l_.run) : zeros_;
    };
    for (size_t i = ox; i < begin; ++i) outside(i);
    if (begin < end)
      sequence(to + (begin - ox), end - begin,
               image_row + (begin * g_.stride_w + shift - g_.pad_left) * g_.in_c,
               g_.stride_w * g_.in_c);
    for (size_t i = end; i < ox + count; ++i) outside(i);
  }

  const float* copy_span(const float* image_row, size_t ix, size_t span_at) {
    float* span = copies_ + span_at;
    for (size_t kx = 0; kx < g_.kernel_w; ++kx)
      for (size_t c = 0; c < g_.in_c; ++c)
        span[kx * g_.in_c + c] = ix + kx < g_.in_w ? image_row[(ix + kx) * g_.in_c + c] : 0.0f;
    return span;
  }

  const Conv2dGeometry& g_;
  const Layout& l_;
  const float* x_;
  const float* zeros_;
  const float** table_;  // [taps][step_]
  float* copies_;        // of spans, or of rows
  size_t first_ = 0, step_ = 0;
};

}  // namespace octet::kernels::conv_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
