// Where the input of each output pixel lies: the table of pointers that the register tile reads.
// A table instead of an im2col copy: eight bytes per pixel and tap, whatever the channels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/conv2d_geometry.h"
#include "kernels/conv_u8s8_pack.h"

namespace octet::kernels::conv_u8s8 {

// A tile may be up to this many pixels higher than the block has left.
constexpr size_t kTableSlack = 16;

// 1x1, stride 1, no padding: pixel i of the output is pixel i of the input.
inline bool is_pointwise(const Conv2dGeometry& g) {
  return g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 &&
         g.pad_top == 0 && g.pad_left == 0 && g.out_h == g.in_h && g.out_w == g.in_w;
}

// The range of outputs whose input position out * stride - before lies inside [0, in).
struct Inside {
  size_t begin, end;
  Inside(size_t first, size_t last, size_t stride, ptrdiff_t before, size_t in) {
    const auto reaches = [&](ptrdiff_t position) {
      const ptrdiff_t up = position + before + static_cast<ptrdiff_t>(stride) - 1;
      return up < 0 ? size_t{0} : static_cast<size_t>(up) / stride;
    };
    begin = std::clamp(reaches(0), first, last);
    end = std::clamp(reaches(static_cast<ptrdiff_t>(in)), begin, last);
  }
};

inline void fill_line(const uint8_t** table, size_t n, const uint8_t* first, size_t step) {
  for (size_t i = 0; i < n; ++i) table[i] = first + i * step;
}

// One tap of output pixels [begin, end) of one output row.
inline void gather_segment(const Conv2dGeometry& g, const uint8_t* image, const uint8_t* padding,
                           size_t ky, size_t kx, size_t oy, size_t begin, size_t end,
                           const uint8_t** table) {
  const ptrdiff_t before =
      static_cast<ptrdiff_t>(g.pad_left) - static_cast<ptrdiff_t>(kx * g.dilation_w);
  const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;  // wraps above the image
  if (iy >= g.in_h) return fill_line(table, end - begin, padding, 0);
  const Inside inside(begin, end, g.stride_w, before, g.in_w);
  fill_line(table, inside.begin - begin, padding, 0);
  if (inside.begin < inside.end) {
    const size_t ix = inside.begin * g.stride_w - static_cast<size_t>(before);
    fill_line(table + (inside.begin - begin), inside.end - inside.begin,
              image + (iy * g.in_w + ix) * g.in_c, g.stride_w * g.in_c);
  }
  fill_line(table + (inside.end - begin), end - inside.end, padding, 0);
}

// Pixels [first, first + count) of all images, read where they lie. x: first channel of the group.
inline void gather_whole(const Conv2dGeometry& g, const uint8_t* x, const uint8_t* padding,
                         size_t first, size_t count, const uint8_t** table, size_t stride) {
  if (is_pointwise(g)) return fill_line(table, count, x + first * g.in_c, g.in_c);
  for (size_t done = 0; done < count;) {
    const size_t line = (first + done) / g.out_w, ox = (first + done) % g.out_w;
    const size_t n = std::min(count - done, g.out_w - ox);
    const uint8_t* image = x + line / g.out_h * (g.in_h * g.in_w * g.in_c);
    for (size_t t = 0; t < g.kernel_h * g.kernel_w; ++t)
      gather_segment(g, image, padding, t / g.kernel_w, t % g.kernel_w, line % g.out_h, ox, ox + n,
                     table + t * stride + done);
    done += n;
  }
}

// The workspace of copied layouts: input lines with their padding.
struct CopiedLines {
  size_t pixels;      // of a line
  size_t line_bytes;  // with slack for the last quad
  size_t lines;       // for a block of `out_lines` output lines

  CopiedLines(const Conv2dGeometry& g, const Layout& layout, size_t out_lines) {
    pixels = (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1;
    line_bytes = align_up(pixels * layout.channels + 4);
    lines = (out_lines - 1) * g.stride_h + (g.kernel_h - 1) * g.dilation_h + 1;
  }
  size_t bytes() const { return lines * line_bytes; }
};

inline void copy_line(const Params& params, const Layout& layout, const uint8_t* image, size_t iy,
                      const CopiedLines& copied, uint8_t* line) {
  const Conv2dGeometry& g = params.geometry;
  const size_t channels = layout.channels;
  const size_t begin = std::min(g.pad_left, copied.pixels);
  const size_t end = iy < g.in_h ? std::min(copied.pixels, g.pad_left + g.in_w) : begin;
  std::memset(line, params.x_zero_point, begin * channels);
  const uint8_t* from = end > begin ? image + iy * g.in_w * g.in_c : nullptr;
  if (channels == g.in_c && end > begin) {
    std::memcpy(line + begin * channels, from, (end - begin) * channels);
  } else {
    for (size_t i = begin; i < end; ++i)
      for (size_t c = 0; c < channels; ++c) line[i * channels + c] = from[(i - begin) * g.in_c + c];
  }
  std::memset(line + end * channels, params.x_zero_point, copied.line_bytes - end * channels);
}

// The same for a copied layout and whole output lines of one image.
inline void gather_copied(const Params& params, const Layout& layout, const uint8_t* x,
                          size_t first, size_t count, const uint8_t** table, size_t stride,
                          uint8_t* lines) {
  const Conv2dGeometry& g = params.geometry;
  const size_t first_line = first / g.out_w, out_lines = count / g.out_w;
  const uint8_t* image = x + first_line / g.out_h * (g.in_h * g.in_w * g.in_c);
  const size_t oy = first_line % g.out_h;
  const CopiedLines copied(g, layout, out_lines);
  for (size_t i = 0; i < copied.lines; ++i)
    copy_line(params, layout, image, oy * g.stride_h + i - g.pad_top, copied,
              lines + i * copied.line_bytes);
  for (size_t t = 0; t < layout.taps; ++t) {
    const size_t ky = t / layout.tap_count_w, kx = t % layout.tap_count_w;
    for (size_t i = 0; i < out_lines; ++i)
      fill_line(table + t * stride + i * g.out_w, g.out_w,
                lines + (i * g.stride_h + ky * g.dilation_h) * copied.line_bytes +
                    kx * g.dilation_w * layout.channels,
                g.stride_w * layout.channels);
  }
}

}  // namespace octet::kernels::conv_u8s8
