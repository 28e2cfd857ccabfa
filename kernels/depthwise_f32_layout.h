// How depthwise_f32 lays out packed weights and cuts the output: plain arithmetic, no SIMD.
//
// Channels go in blocks of one vector; packed, block after block:
//   | bias of the block's channels | w[ky = 0, kx = 0] | w[0, 1] | ... |
// When the channels are no multiple of the vector, the last block begins early and shares channels
// with the one before: both compute the same bits, and nothing is masked. With fewer channels than
// a vector has lanes the vector is a shorter one.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"

namespace octet::kernels::depthwise_f32 {

// Channels in blocks of at most one vector.
struct ChannelBlocks {
  size_t lanes, blocks;

  ChannelBlocks(size_t channels, size_t vector_lanes) {
    for (lanes = vector_lanes; lanes > channels;) lanes = lanes > 4 ? 4 : 1;
    blocks = (channels + lanes - 1) / lanes;
  }
  size_t channel(size_t block, size_t channels) const {
    return std::min(block * lanes, channels - lanes);
  }
};

struct Layout : ChannelBlocks {
  using ChannelBlocks::ChannelBlocks;

  size_t taps;
  size_t rows;           // batch * out_h
  size_t rows_per_task;  // of the output
  size_t strip_blocks;   // of channels, and
  size_t strip_columns;  // of the output, that are done for all rows before the next ones
  Span inner;            // output columns whose windows lie inside the image
  size_t columns;        // of the output per step, kernels 3 and 5 wide; 0: the general form

  size_t block_floats() const { return (1 + taps) * lanes; }
  size_t tasks() const { return (rows + rows_per_task - 1) / rows_per_task; }
};

// Kernels 3 and 5 wide compute 7 or 4 neighbouring columns at once, 2 or 1 in narrow images. 7
// divides the maps of networks with 224 x 224 inputs; when the columns are no multiple, the last
// step begins early and computes some of them again.
inline size_t columns_per_step(const Conv2dGeometry& g) {
  if ((g.kernel_w != 3 && g.kernel_w != 5) || g.dilation_w != 1 || g.stride_w > 2) return 0;
  if (g.out_w < 4) return g.out_w > 1 ? 2 : 1;
  const auto computed = [&](size_t n) { return (g.out_w + n - 1) / n * n; };
  return g.out_w >= 7 && computed(7) <= computed(4) ? 7 : 4;
}

inline Span inner_columns(const Conv2dGeometry& g) {
  const size_t begin = (g.pad_left + g.stride_w - 1) / g.stride_w;
  const size_t reach = (g.kernel_w - 1) * g.dilation_w + 1;
  const size_t room = g.in_w + g.pad_left;
  const size_t end = room < reach ? 0 : (room - reach) / g.stride_w + 1;
  const size_t from = std::min(begin, g.out_w);
  return {from, std::clamp(end, from, g.out_w)};
}

// The inputs under a strip stay in L1 from one output row to the next, with its weights. It takes
// all channels if it can, so that memory is read in long pieces; columns as many as then fit. (40
// KB: of 24 to 48 KB the fastest where L1 has 32; not all of it is needed at once.)
inline void choose_strips(Layout& l, const Conv2dGeometry& g, size_t step) {
  constexpr size_t kL1Floats = 10 * 1024;
  const size_t rows = g.kernel_h + g.stride_h;
  // Of a block: input, weights and output of a step, and of one more column.
  const size_t step_floats =
      (rows * ((step - 1) * g.stride_w + g.kernel_w) + 1 + l.taps + step) * l.lanes;
  const size_t column_floats = (rows * g.stride_w + 1) * l.lanes;
  const size_t most = std::clamp<size_t>(kL1Floats / step_floats, 1, l.blocks);
  l.strip_blocks = divide_up(l.blocks, divide_up(l.blocks, most));
  const size_t floats = std::max(kL1Floats / l.strip_blocks, step_floats);
  l.strip_columns = step + (floats - step_floats) / column_floats / step * step;
}

inline Layout make_layout(const Conv2dGeometry& g, size_t vector_lanes) {
  Layout l(g.in_c, vector_lanes);
  l.taps = g.kernel_h * g.kernel_w;
  l.rows = g.batch * g.out_h;
  l.inner = inner_columns(g);
  l.columns = columns_per_step(g);
  // Some 5 us: a quarter of a million multiply-adds at the speed that memory allows.
  constexpr size_t kTaskMacs = size_t{1} << 18;
  const size_t row_macs = g.out_w * g.in_c * l.taps;
  l.rows_per_task = (kTaskMacs + row_macs - 1) / row_macs;
  choose_strips(l, g, l.columns == 0 ? g.out_w : l.columns);
  return l;
}

// bias: null for none. flip: every kernel is turned by 180 degrees.
inline void pack_weight(const Layout& l, size_t channels, const float* weight, const float* bias,
                        bool flip, float* to) {
  for (size_t block = 0; block < l.blocks; ++block) {
    const size_t first = l.channel(block, channels);
    for (size_t j = 0; j < l.lanes; ++j) *to++ = bias ? bias[first + j] : 0.0f;
    for (size_t i = 0; i < l.taps; ++i) {
      const size_t tap = flip ? l.taps - 1 - i : i;
      for (size_t j = 0; j < l.lanes; ++j) *to++ = weight[(first + j) * l.taps + tap];
    }
  }
}

}  // namespace octet::kernels::depthwise_f32
