// How minimal filtering cuts the output of a 3x3 convolution with stride 1: plain arithmetic, no
// SIMD.
//
// The tiles of m x m outputs of all images are numbered (n, row of tiles, column of tiles). A block
// of them passes through the workspace: its patches of (m + 2) x (m + 2) inputs are transformed,
// and then, for each panel of output channels, multiplied and transformed back. A task is some
// blocks, or some panels of one block.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/conv2d_geometry.h"

namespace octet::kernels::winograd {

// 3x3, stride 1, dilation 1, one group; any padding.
inline bool is_supported(const Conv2dGeometry& g) {
  return g.kernel_h == 3 && g.kernel_w == 3 && g.stride_h == 1 && g.stride_w == 1 &&
         g.dilation_h == 1 && g.dilation_w == 1 && g.groups == 1;
}

// Multiplications for each pair of channels.
inline size_t products(const Conv2dGeometry& g, size_t m) {
  return divide_up(g.out_h, m) * divide_up(g.out_w, m) * (m + 2) * (m + 2);
}

// The tile size with the fewest products.
inline size_t fewest_products(const Conv2dGeometry& g) {
  return products(g, 4) <= products(g, 2) ? 4 : 2;
}

// A tile's image, and its first output pixel.
struct Place {
  size_t n, oy, ox;
};

struct Tiles {
  size_t m, positions;  // positions: (m + 2)^2
  size_t tiles_h, tiles_w, tiles;
  size_t panels;
  size_t block_tiles, blocks;
  size_t blocks_per_task, panels_per_task;

  size_t panel_tasks() const { return divide_up(panels, panels_per_task); }
  size_t block_tasks() const { return divide_up(blocks, blocks_per_task); }
  size_t tasks() const { return block_tasks() * panel_tasks(); }

  Place place_of(size_t tile) const {
    const size_t row = tile / tiles_w;
    return {row / tiles_h, row % tiles_h * m, tile % tiles_w * m};
  }

  // Tasks [begin, end): block.begin(index) before block.finish(panel) of some panels. A task that
  // is a part of a block's panels begins the block again unless the one before it, of the same
  // thread, has done so.
  template <class Block>
  void run(Block& block, size_t begin, size_t end) const {
    size_t ready = blocks;  // the block whose patches are in the workspace
    for (size_t task = begin; task < end; ++task) {
      const size_t first_block = task / panel_tasks() * blocks_per_task;
      const size_t first_panel = task % panel_tasks() * panels_per_task;
      for (size_t i = first_block; i < std::min(first_block + blocks_per_task, blocks); ++i) {
        if (i != ready) block.begin(i);
        ready = i;
        for (size_t j = first_panel; j < std::min(first_panel + panels_per_task, panels); ++j)
          block.finish(j);
      }
    }
  }
};

// What tasks are cut by.
struct TileCosts {
  size_t patch_bytes;  // a transformed patch
  size_t panel_macs;   // multiply-adds of a tile times a panel
  size_t rows;         // tiles that a register tile takes at once
  size_t block_bytes;  // transformed patches that stay in the cache
  size_t block_macs;   // at most, unless `rows` tiles have more
  size_t task_macs;    // at least, where there are more blocks; a task of panels has twice as many
};

inline Tiles cut_tiles(const Conv2dGeometry& g, size_t m, size_t panels, const TileCosts& costs) {
  Tiles t{};
  t.m = m;
  t.positions = (m + 2) * (m + 2);
  t.tiles_h = divide_up(g.out_h, m);
  t.tiles_w = divide_up(g.out_w, m);
  t.tiles = g.batch * t.tiles_h * t.tiles_w;
  t.panels = panels;
  const size_t tile_macs = costs.panel_macs * panels;
  const size_t most = std::min(costs.block_bytes / costs.patch_bytes, costs.block_macs / tile_macs);
  t.block_tiles = std::max<size_t>(most / costs.rows, 1) * costs.rows;
  if (t.tiles <= t.block_tiles + t.block_tiles / 2) t.block_tiles = std::max<size_t>(t.tiles, 1);
  t.blocks = divide_up(t.tiles, t.block_tiles);
  t.panels_per_task =
      std::min(divide_up(2 * costs.task_macs, costs.panel_macs * t.block_tiles), panels);
  t.blocks_per_task = t.panels_per_task < panels
                          ? 1
                          : std::max<size_t>(costs.task_macs / (tile_macs * t.block_tiles), 1);
  return t;
}

// Elements of one position, `bytes` each: an odd number of cache lines, for a patch is written to
// all positions at once, and they should not share a few sets of the cache.
inline size_t plane_elements(size_t elements, size_t bytes) {
  const size_t line = 64 / bytes;
  return (divide_up(elements, line) | 1) * line;
}

}  // namespace octet::kernels::winograd
