// How depthwise_f32_dw cuts its sums: plain arithmetic, no SIMD.
//
// A task is a strip of channel blocks (depthwise_f32_layout.h) and a chunk of the rows of all dy.
// Strips come first, for their sums need no adding up; chunks where channels are too few. It
// leaves, in partials,
//   | chunk 0: block 0: tap 0, tap 1, ...; block 1; ... | chunk 1 | ...
// and takes its rows in groups that stay in L1 while each block of channels passes over them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/conv2d_geometry.h"
#include "kernels/depthwise_f32_layout.h"

namespace octet::kernels::depthwise_f32_dw {

using depthwise_f32::Span;

struct Layout : depthwise_f32::ChannelBlocks {
  using ChannelBlocks::ChannelBlocks;

  static constexpr size_t kMostGroupRows = 64;

  size_t taps;
  size_t rows;            // batch * out_h
  size_t strip_blocks;    // blocks per task
  size_t rows_per_chunk;  // rows per task
  size_t rows_per_group;

  size_t strips() const { return (blocks + strip_blocks - 1) / strip_blocks; }
  size_t chunks() const { return (rows + rows_per_chunk - 1) / rows_per_chunk; }
  size_t tasks() const { return strips() * chunks(); }
  size_t chunk_floats() const { return blocks * taps * lanes; }
};

inline Layout make_layout(const Conv2dGeometry& g, size_t vector_lanes) {
  const auto cut = [](size_t n, size_t parts) {
    return std::max<size_t>(1, (n + parts - 1) / parts);
  };
  Layout l(g.in_c, vector_lanes);
  l.taps = g.kernel_h * g.kernel_w;
  l.rows = g.batch * g.out_h;
  // Some 10 us each, but no more of them than a large machine has cores.
  constexpr size_t kTaskMacs = size_t{1} << 19, kMaxTasks = 32;
  // Narrower strips would be short pieces of memory.
  constexpr size_t kStripBytes = 256;
  const size_t wanted = std::clamp<size_t>(g.macs() / kTaskMacs, 1, kMaxTasks);
  const size_t most_strips = cut(l.blocks * l.lanes * sizeof(float), kStripBytes);
  l.strip_blocks = cut(l.blocks, std::min(wanted, most_strips));
  l.rows_per_chunk = cut(l.rows, cut(wanted, l.strips()));
  constexpr size_t kL1Bytes = 24 * 1024;
  const size_t row_bytes = (g.stride_h * g.in_w + g.out_w) * l.lanes * sizeof(float);
  l.rows_per_group = std::clamp<size_t>(kL1Bytes / row_bytes, 1,
                                        std::min(l.rows_per_chunk, Layout::kMostGroupRows));
  return l;
}

}  // namespace octet::kernels::depthwise_f32_dw
