// How depthwise_f32_dw cuts its sums: plain arithmetic, no SIMD.
//
// A task is a chunk of the rows of all dy, with all channels: whole rows are what memory reads
// fast. It leaves, in partials,
//   | chunk 0: block 0: tap 0, tap 1, ...; block 1; ... | chunk 1 | ...
// (blocks of channels: depthwise_f32_layout.h) and takes its rows in groups, over which each block
// passes with its sums in registers.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/conv2d_geometry.h"
#include "kernels/depthwise_f32_layout.h"

namespace octet::kernels::depthwise_f32_dw {

struct Layout : depthwise_f32::ChannelBlocks {
  using ChannelBlocks::ChannelBlocks;

  static constexpr size_t kMostGroupRows = 64;

  size_t taps;
  size_t rows;            // batch * out_h
  size_t rows_per_chunk;  // rows per task
  size_t rows_per_group;

  size_t chunks() const { return (rows + rows_per_chunk - 1) / rows_per_chunk; }
  size_t chunk_floats() const { return blocks * taps * lanes; }
};

inline Layout make_layout(const Conv2dGeometry& g, size_t vector_lanes) {
  const auto cut = [](size_t n, size_t parts) {
    return std::max<size_t>(1, (n + parts - 1) / parts);
  };
  Layout l(g.in_c, vector_lanes);
  l.taps = g.kernel_h * g.kernel_w;
  l.rows = g.batch * g.out_h;
  // Some 5 us each, but no more of them than a large machine has cores.
  constexpr size_t kTaskMacs = size_t{1} << 17, kMaxTasks = 32;
  l.rows_per_chunk = cut(l.rows, std::clamp<size_t>(g.macs() / kTaskMacs, 1, kMaxTasks));
  // Enough products to make loading and storing the sums cheap.
  l.rows_per_group = std::min(cut(Layout::kMostGroupRows, g.out_w), l.rows_per_chunk);
  return l;
}

}  // namespace octet::kernels::depthwise_f32_dw
