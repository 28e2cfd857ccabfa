// How conv_f32_dw cuts its work: plain arithmetic, no SIMD.
//
// The gradient is a matrix product summed over pixels, x windows on one side, dy on the other. One
// side is the tile's vectors, the other its rows, whose elements are broadcast; which is chosen
// so that few lanes are idle: 3 or 24 input channels do not fill vectors, 32 outputs do.
//
// A window is `segments` pieces of `length` contiguous floats: one per (ky, kx), or, with few
// channels, one per ky.
//
// A block is a part of one group's gradient: a slice of the vector side (whole vectors of channels,
// all segments) and some rows of the other. A task is one block summed over one chunk of pixels,
// whole rows of the output. Partial sums: [block][chunk][block_rows][slice_vectors][lanes].
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"

namespace octet::kernels::conv_f32_dw {

// The most vectors of one segment in a slice, of dy or of x without spans.
inline constexpr size_t kMostVectors = 12;

struct Layout {
  size_t lanes;
  size_t group_in, group_out;
  size_t segments, length;  // of a window
  bool spans;               // segments are rows of a window
  bool x_vectors;           // x is the vector side, dy the row side; or the other way round
  size_t rows, block_rows, row_blocks;    // of the row side, per group
  size_t slice_length, slices;            // of one segment of the vector side
  size_t slice_vectors;                   // of a full slice, all segments
  size_t image_rows, chunk_rows, chunks;  // of the output
  size_t window_h, window_w;              // in pixels of x
  size_t columns;                         // of x that an output row reaches

  size_t vector_segments() const { return x_vectors ? segments : 1; }
  size_t vector_length() const { return x_vectors ? length : group_out; }
  size_t blocks(size_t groups) const { return groups * slices * row_blocks; }
  size_t block_floats() const { return block_rows * slice_vectors * lanes; }

  // x is copied to the workspace unless its windows can be read where they are.
  size_t copied_rows(const Conv2dGeometry& g) const {
    const size_t images = std::min((chunk_rows - 1) / g.out_h + 2, chunk_rows);
    return chunk_rows * g.stride_h + images * window_h;
  }
  size_t runs_bytes() const { return align_up(chunk_rows * 3 * sizeof(void*)); }
  size_t offsets_bytes() const { return align_up(slice_vectors * sizeof(size_t)); }
  size_t copy_bytes(const Conv2dGeometry& g) const {
    const size_t channels = spans ? g.in_c : x_vectors ? slice_length : length;
    return align_up((copied_rows(g) * columns * channels + lanes) * sizeof(float));
  }
};

// What one block covers.
struct Block {
  size_t group, first_row, rows, first_lane, lanes;
};

inline Block block_of(const Layout& l, size_t index) {
  Block b{};
  b.first_row = index % l.row_blocks * l.block_rows;
  b.rows = std::min(l.block_rows, l.rows - b.first_row);
  b.first_lane = index / l.row_blocks % l.slices * l.slice_length;
  b.lanes = std::min(l.slice_length, l.vector_length() - b.first_lane);
  b.group = index / l.row_blocks / l.slices;
  return b;
}

// Which side the vectors run along. Vectors of dy are read in place, so its channels have to fill
// them. A single vector costs a load for every multiply-add. Sums in dw's own order (x) are put
// into place faster, which counts only when both sides are about as good.
inline bool choose_x_vectors(const Layout& l) {
  if (l.group_out % l.lanes != 0) return true;
  const auto cost = [&](size_t rows, size_t vectors) {
    return rows * vectors * (vectors == 1 ? 5 : 4);
  };
  const size_t x_cost = cost(l.group_out, l.segments * divide_up(l.length, l.lanes));
  const size_t y_cost = cost(l.segments * l.length, l.group_out / l.lanes);
  return 10 * x_cost <= 11 * y_cost;
}

// With few pixels, whole rows of the gradient: x is small enough to be read by every task, and
// what finish() moves is in one piece.
inline bool cut_rows_only(const Layout& l, size_t pixels) {
  constexpr size_t kMostFloats = 64 * 1024;
  return l.x_vectors && l.chunks == 1 && l.segments == 1 && pixels * l.length <= kMostFloats;
}

// Tasks of 20 to 50 us. Chunks of at least 512 pixels, so that storing and adding the partial sums
// is a few per cent; slices of few vectors, so that x stays in L2; rows are cut last, for every
// such task copies its x again.
inline void choose_tasks(Layout& l, const Conv2dGeometry& g) {
  constexpr size_t kTaskMacs = size_t{2} << 20, kLeastPixels = 512, kMostPixels = 1024;
  constexpr size_t kLeastRows = 96;
  const size_t vectors = divide_up(l.vector_length(), l.lanes);
  const size_t least = l.rows * l.vector_segments() * l.lanes;  // per pixel, one vector wide
  const size_t wanted = std::clamp(kTaskMacs / least, kLeastPixels, kMostPixels);
  l.image_rows = g.batch * g.out_h;
  l.chunk_rows = std::clamp<size_t>(wanted / g.out_w, 1, std::max<size_t>(l.image_rows, 1));
  if (l.chunk_rows > g.out_h) l.chunk_rows -= l.chunk_rows % g.out_h;
  l.chunks = divide_up(l.image_rows, l.chunk_rows);
  const size_t pixels = l.chunk_rows * g.out_w, macs = least * pixels;
  const bool rows_only = cut_rows_only(l, pixels);
  size_t slice = std::clamp<size_t>(kTaskMacs / macs, 1, std::min(vectors, kMostVectors));
  if (slice > 3 && slice < vectors) slice -= slice % 3;
  if (rows_only || (l.spans && l.x_vectors)) slice = vectors;  // spans: below 2 * kernel_w
  l.slices = divide_up(vectors, slice);
  l.slice_length = std::min(slice * l.lanes, l.vector_length());
  l.slice_vectors = slice * l.vector_segments();
  l.block_rows = l.rows;
  if (rows_only) {
    l.block_rows = divide_up(l.rows, divide_up(macs * vectors, kTaskMacs));
  } else if (l.x_vectors && slice == 1) {
    l.block_rows = divide_up(l.rows, divide_up(macs, 2 * kTaskMacs));
    l.block_rows = std::min(l.rows, std::max(l.block_rows, kLeastRows));
  }
  l.row_blocks = divide_up(l.rows, l.block_rows);
}

inline Layout make_layout(const Conv2dGeometry& g, size_t lanes) {
  Layout l{};
  l.lanes = lanes;
  l.group_in = g.in_c / g.groups;
  l.group_out = g.out_c / g.groups;
  l.spans = g.groups == 1 && g.kernel_w > 1 && g.dilation_w == 1 && g.in_c < 2 * lanes &&
            g.in_c % lanes != 0;
  l.segments = g.kernel_h * (l.spans ? 1 : g.kernel_w);
  l.length = l.group_in * (l.spans ? g.kernel_w : 1);
  l.x_vectors = choose_x_vectors(l);
  l.rows = l.x_vectors ? l.group_out : l.segments * l.length;
  l.window_h = (g.kernel_h - 1) * g.dilation_h + 1;
  l.window_w = (g.kernel_w - 1) * g.dilation_w + 1;
  l.columns = (g.out_w - 1) * g.stride_w + l.window_w;
  choose_tasks(l, g);
  return l;
}

}  // namespace octet::kernels::conv_f32_dw
