// How conv_f32 lays out packed weights and cuts the output: plain arithmetic, no SIMD.
//
// Packed, for each group one after another:
//
//   panel 0                          panel 1           last panel: 1 or 2 vectors
//   | bias  of 2 vectors of outputs | bias            | bias
//   | w[k = 0] of the same outputs  | w[k = 0]        | w[k = 0]
//   | w[k = 1]                      | ...             | ...
//
// k counts (ky, kx, c); outputs beyond out_c are zero. A row of zeros for the padding ends it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"

namespace octet::kernels::conv_f32 {

// What one entry of the table of row pointers stands for.
enum class Addressing {
  dense,      // 1x1, stride 1: the pixel itself
  indirect,   // the pixel under one tap (ky, kx)
  row_spans,  // few channels: all kernel_w pixels under one ky, which are neighbours in memory;
              // windows that stick out of the image point to a padded copy of the span
};

// Panels that one row of inputs is multiplied with side by side.
inline constexpr size_t kRowPanels = 4;

struct Layout {
  Addressing addressing;
  size_t group_in, group_out;
  size_t taps, run;         // taps * run inputs per output, each run contiguous
  size_t lanes;             // of one vector
  size_t vectors;           // of outputs per group
  size_t panel_vectors;     // of a full panel
  size_t panels_per_group;  // the last one may be narrower
  size_t rows;              // batch * out_h * out_w
  size_t copy_step;         // between copies of the block's rows; 0: they are read in place
  size_t most_rows;         // of a tile
  size_t block_rows;        // whose pointers are in the table at once
  size_t rows_per_task, panels_per_task;

  size_t inputs() const { return taps * run; }
  size_t panels(size_t groups) const { return groups * panels_per_group; }
  size_t group_floats() const { return vectors * lanes * (1 + inputs()); }
  size_t panel_offset(size_t panel) const {
    return panel / panels_per_group * group_floats() +
           panel % panels_per_group * panel_vectors * lanes * (1 + inputs());
  }
  size_t vectors_of(size_t panel) const {
    return std::min(panel_vectors, vectors - panel % panels_per_group * panel_vectors);
  }
  // From this one on, in its group.
  size_t full_panels(size_t panel) const {
    const size_t full = group_out / (panel_vectors * lanes);
    return full - std::min(panel % panels_per_group, full);
  }
  size_t zeros_offset(size_t groups) const { return groups * group_floats(); }
  size_t zeros(size_t in_c) const { return std::max(in_c, run); }
  size_t row_tasks() const { return (rows + rows_per_task - 1) / rows_per_task; }
  size_t panel_tasks(size_t groups) const {
    return (panels(groups) + panels_per_task - 1) / panels_per_task;
  }
  size_t table_bytes() const { return align_up(taps * block_rows * sizeof(const float*)); }
  size_t workspace_bytes() const {
    const size_t row = addressing == Addressing::row_spans ? inputs() : copy_step;
    return table_bytes() + align_up(row * block_rows * sizeof(float));
  }
};

inline Addressing addressing_of(const Conv2dGeometry& g) {
  if (g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0 &&
      g.pad_left == 0 && g.out_h == g.in_h && g.out_w == g.in_w)
    return Addressing::dense;
  if (g.in_c <= 4 && g.kernel_w > 1 && g.dilation_w == 1 && g.groups == 1)
    return Addressing::row_spans;
  return Addressing::indirect;
}

// How many rows of a tile, which are read side by side, L1 holds: with a large power of 2 between
// them they share a few of its 64 sets of 8 lines, and one line has to be left for weights and
// output.
inline size_t rows_in_sets(size_t step_floats) {
  constexpr size_t kSets = 64, kWays = 8, kLine = 16;
  const size_t sets =
      step_floats % kLine == 0 ? kSets / std::gcd(step_floats / kLine, kSets) : kSets;
  return (kWays - 1) * sets;
}

// Rows of a 1x1 layer are copied to an odd number of lines each where they would push each other
// out of L1: a quarter faster at 1024 channels, on Zen 4.
inline size_t choose_copy_step(const Conv2dGeometry& g, const Layout& l, size_t tile_rows) {
  constexpr size_t kLine = 16;
  const bool copies = l.taps == 1 && l.addressing != Addressing::row_spans &&
                      std::min(l.rows, tile_rows) > rows_in_sets(g.in_c * g.stride_w);
  return copies ? ((g.in_c + kLine - 1) / kLine | 1) * kLine : 0;
}

// Rows of the output that are finished, panel after panel, before the next ones are begun: a panel
// is read for as many rows as x and y can stay in L2 beside it. (Going over all panels for a few
// rows, when the weights are small enough for L1, was slower: it writes y in shorter pieces.)
inline size_t choose_block_rows(const Layout& l, size_t tile_rows) {
  constexpr size_t kBlockBytes = 256 * 1024, kTablePointers = 4096;
  if (l.copy_step != 0) {
    // Copies stay in L2 beside a panel, of which y is a small part.
    constexpr size_t kCopyBytes = 448 * 1024;
    const size_t most = std::min(kCopyBytes / (l.copy_step * sizeof(float)), kTablePointers);
    return most >= l.rows ? l.rows : std::max<size_t>(most / tile_rows, 1) * tile_rows;
  }
  const size_t row_bytes = (l.group_in * (l.taps > 1 ? 2 : 1) + l.group_out) * sizeof(float);
  const size_t tiles = std::min(kBlockBytes / row_bytes, kTablePointers / l.taps) / tile_rows;
  return std::max<size_t>(tiles, 1) * tile_rows;
}

// Tasks of some 5 us: half a million multiply-adds on a fast core, so that small layers too fall
// into enough of them.
inline void choose_tasks(Layout& l, size_t groups, size_t tile_rows) {
  constexpr size_t kTaskMacs = size_t{1} << 19;
  // With few rows reading the weights takes the time, as much as that many rows would.
  constexpr size_t kLeastRows = 8;
  const size_t panel_macs = l.inputs() * l.panel_vectors * l.lanes;
  const size_t panels = l.panels(groups);
  l.rows_per_task = std::max<size_t>(l.rows, 1);
  l.panels_per_task = panels;
  if (l.copy_step != 0) {
    // Parts of one block in turn, so that a thread copies it once.
    l.rows_per_task = l.block_rows;
    const size_t macs = panel_macs * l.block_rows;
    l.panels_per_task = std::min((2 * kTaskMacs + macs - 1) / macs, panels);
  } else if (l.rows < groups * l.group_out) {
    // More weights than inputs: cut the weights, so that each is read by one thread.
    const size_t macs = panel_macs * std::max(l.rows, kLeastRows);
    const size_t side_by_side = l.rows == 1 ? kRowPanels : 1;
    const size_t least = divide_up(kTaskMacs, macs * side_by_side) * side_by_side;
    l.panels_per_task = std::min(least, panels);
  } else {
    const size_t macs = panel_macs * panels * tile_rows;
    l.rows_per_task = (kTaskMacs + macs - 1) / macs * tile_rows;
  }
}

inline Layout make_layout(const Conv2dGeometry& g, size_t lanes, size_t panel_vectors,
                          size_t tile_rows) {
  Layout l{};
  l.addressing = addressing_of(g);
  l.group_in = g.in_c / g.groups;
  l.group_out = g.out_c / g.groups;
  const bool spans = l.addressing == Addressing::row_spans;
  l.taps = g.kernel_h * (spans ? 1 : g.kernel_w);
  l.run = l.group_in * (spans ? g.kernel_w : 1);
  l.lanes = lanes;
  l.vectors = (l.group_out + lanes - 1) / lanes;
  l.panel_vectors = panel_vectors;
  l.panels_per_group = (l.vectors + panel_vectors - 1) / panel_vectors;
  l.rows = g.batch * g.out_h * g.out_w;
  l.copy_step = choose_copy_step(g, l, tile_rows);
  // Rows of several taps are too many to copy; lower tiles, then: a sixth faster at 512 channels.
  l.most_rows = l.copy_step != 0 ? l.rows : rows_in_sets(g.in_c * g.stride_w);
  l.block_rows = choose_block_rows(l, tile_rows);
  choose_tasks(l, g.groups, tile_rows);
  return l;
}

}  // namespace octet::kernels::conv_f32
