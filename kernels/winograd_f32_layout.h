// How winograd_f32 lays out its data and cuts the output: plain arithmetic, no SIMD.
//
// The tiles of all images are numbered (n, row of tiles, column of tiles). A block of them passes
// through the workspace in three steps; p counts the (m + 2)^2 positions of a patch:
//
//   U [p][tile][in_c]    the transformed patches: vectors of channels
//   M [p][tile][width]   for each panel of output channels and each p: U[p] times the weights
//   y                    the panel's outputs, back from M
//
// Packed weights: for each panel and p what conv_f32 packs for a 1x1 layer (conv_f32_layout.h). The
// bias stands at the p for which A^T . A adds 1 to every output of the tile.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/conv_f32_layout.h"
#include "kernels/winograd_f32.h"

namespace octet::kernels::winograd_f32 {

inline size_t products(const Conv2dGeometry& g, size_t m) {
  return divide_up(g.out_h, m) * divide_up(g.out_w, m) * (m + 2) * (m + 2);
}

// The tile size with the fewest products.
inline size_t fewest_products(const Conv2dGeometry& g) {
  return products(g, 4) <= products(g, 2) ? 4 : 2;
}

inline size_t tile_of(const Params& params) {
  return params.tile == 0 ? fewest_products(params.geometry) : params.tile;
}

struct Layout {
  conv_f32::Layout direct;  // of the same layer: panels of output channels
  size_t m, positions;      // positions: (m + 2)^2
  size_t tiles_h, tiles_w, tiles;
  size_t inputs, input_step;  // channels; the same up to whole vectors
  size_t panels;
  size_t block_tiles, blocks;
  size_t blocks_per_task, panels_per_task;
  size_t u_plane, m_plane;  // floats of one position

  size_t width_of(size_t panel) const { return direct.vectors_of(panel) * direct.lanes; }
  size_t columns_of(size_t panel) const {
    return std::min(width_of(panel), direct.group_out - first_channel(panel));
  }
  size_t first_channel(size_t panel) const { return panel * direct.panel_vectors * direct.lanes; }
  // Of packed weights.
  size_t position_floats(size_t panel) const { return (1 + inputs) * width_of(panel); }
  size_t panel_offset(size_t panel) const {
    return positions * (1 + inputs) * first_channel(panel);
  }
  size_t weight_floats() const { return positions * (1 + inputs) * direct.vectors * direct.lanes; }
  size_t direct_panel_floats() const { return direct.panel_offset(1); }

  size_t panel_tasks() const { return divide_up(panels, panels_per_task); }
  size_t block_tasks() const { return divide_up(blocks, blocks_per_task); }
  size_t rows_bytes() const { return align_up(block_tiles * sizeof(const float*)); }
  size_t u_bytes() const { return align_up(positions * u_plane * sizeof(float)); }
  size_t m_bytes() const { return align_up(positions * m_plane * sizeof(float)); }
  size_t patch_bytes() const { return align_up(positions * input_step * sizeof(float)); }
  size_t workspace_bytes() const { return rows_bytes() + u_bytes() + m_bytes() + patch_bytes(); }
};

// An odd number of cache lines: a patch is written to all positions at once, and they should not
// share a few sets of the cache.
inline size_t plane_floats(size_t floats) {
  constexpr size_t kLine = 16;
  return (divide_up(floats, kLine) | 1) * kLine;
}

// As many tiles as leave U in L2 beside the weights and make 2 M multiply-adds, but at least one
// register tile of them; and tasks of 20 to 50 us: 1/2 to 2 M multiply-adds and the transforms. A
// task that is a part of a block's panels transforms the patches again unless the task before it,
// of the same thread, has done so.
inline void choose_tasks(Layout& l, size_t tile_rows) {
  constexpr size_t kBlockBytes = 256 * 1024, kTaskMacs = size_t{1} << 20;
  constexpr size_t kMostMacs = 2 * kTaskMacs;
  const size_t tile_bytes = l.positions * l.input_step * sizeof(float);
  const size_t panel_macs = l.positions * l.inputs * l.width_of(0);  // of a tile
  const size_t tile_macs = panel_macs * l.panels;
  const size_t most = std::min(kBlockBytes / tile_bytes, kMostMacs / tile_macs);
  l.block_tiles = std::max<size_t>(most / tile_rows, 1) * tile_rows;
  if (l.tiles <= l.block_tiles + l.block_tiles / 2) l.block_tiles = std::max<size_t>(l.tiles, 1);
  l.blocks = divide_up(l.tiles, l.block_tiles);
  l.panels_per_task = std::min(divide_up(kMostMacs, panel_macs * l.block_tiles), l.panels);
  l.blocks_per_task = l.panels_per_task < l.panels
                          ? 1
                          : std::max<size_t>(kTaskMacs / (tile_macs * l.block_tiles), 1);
}

inline Layout make_layout(const Conv2dGeometry& g, size_t m, size_t lanes, size_t panel_vectors,
                          size_t tile_rows) {
  Layout l{};
  l.direct = conv_f32::make_layout(g, lanes, panel_vectors, tile_rows);
  l.m = m;
  l.positions = (l.m + 2) * (l.m + 2);
  l.tiles_h = divide_up(g.out_h, l.m);
  l.tiles_w = divide_up(g.out_w, l.m);
  l.tiles = g.batch * l.tiles_h * l.tiles_w;
  l.inputs = g.in_c;
  l.input_step = divide_up(g.in_c, lanes) * lanes;
  l.panels = l.direct.panels_per_group;
  choose_tasks(l, tile_rows);
  l.u_plane = plane_floats(l.block_tiles * l.input_step);
  l.m_plane = plane_floats(l.block_tiles * l.width_of(0));
  return l;
}

}  // namespace octet::kernels::winograd_f32
