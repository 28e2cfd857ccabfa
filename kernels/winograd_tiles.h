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

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/cost.h"

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

// The tiles of all images.
struct Grid {
  size_t m = 0;
  size_t tiles_h = 0, tiles_w = 0, tiles = 0;

  size_t positions() const { return (m + 2) * (m + 2); }
  Place place_of(size_t tile) const {
    const size_t row = tile / tiles_w;
    return {row / tiles_h, row % tiles_h * m, tile % tiles_w * m};
  }
};

inline Grid grid_of(const Conv2dGeometry& g, size_t m) {
  const size_t h = divide_up(g.out_h, m), w = divide_up(g.out_w, m);
  return {.m = m, .tiles_h = h, .tiles_w = w, .tiles = g.batch * h * w};
}

// Elements of one position, `bytes` each: an odd number of cache lines, for a patch is written to
// all positions at once, and they should not share a few sets of the cache.
inline size_t plane_elements(size_t elements, size_t bytes) {
  const size_t line = 64 / bytes;
  return (divide_up(elements, line) | 1) * line;
}

// What passes through the workspace, and how it is cut. X, U and M are the elements of patches, of
// transformed patches and of their products with the weights:
//
//   U [p][tile][in_c]    whole vectors of channels
//   M [p][tile][width]   for each panel of output channels and each p: U[p] times the weights
//
// where p counts the (m + 2)^2 positions of a patch.
template <class X, class U, class M>
struct Blocks : Grid {
  size_t panels = 0, width = 0;     // width: output channels of a full panel
  size_t input_step = 0;            // input channels, up to whole vectors
  size_t u_plane = 0, m_plane = 0;  // elements of one position
  size_t block_tiles = 0, blocks = 0;
  size_t blocks_per_task = 0, panels_per_task = 0;

  size_t panel_tasks() const { return divide_up(panels, panels_per_task); }
  size_t block_tasks() const { return divide_up(blocks, blocks_per_task); }
  size_t tasks() const { return block_tasks() * panel_tasks(); }
  size_t first_channel(size_t panel) const { return panel * width; }

  size_t u_bytes() const { return align_up(positions() * u_plane * sizeof(U)); }
  size_t m_bytes() const { return align_up(positions() * m_plane * sizeof(M)); }
  size_t patch_bytes() const { return align_up(positions() * input_step * sizeof(X)); }
  size_t buffers_bytes() const { return u_bytes() + m_bytes() + patch_bytes(); }

  // Of all blocks, from the slots of a whole one, transformed for all its panels at once.
  Cost cost(double block_slots, size_t weight_bytes) const {
    return {.slots = block_slots * static_cast<double>(tiles) / static_cast<double>(block_tiles),
            .weight_bytes = static_cast<double>(weight_bytes),
            .weight_passes = static_cast<double>(blocks)};
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
struct BlockLimits {
  size_t rows;         // tiles that a register tile takes at once
  size_t block_bytes;  // U that stays in the cache
  size_t block_macs;   // multiply-adds at most, unless `rows` tiles have more
  size_t task_macs;    // at least, where there are more blocks; a task of panels has twice as many
};

// lanes: of U.
template <class X, class U, class M>
Blocks<X, U, M> cut_blocks(const Conv2dGeometry& g, size_t m, size_t lanes, size_t panels,
                           size_t width, const BlockLimits& limits) {
  Blocks<X, U, M> b{grid_of(g, m)};
  b.panels = panels;
  b.width = width;
  b.input_step = divide_up(g.in_c, lanes) * lanes;
  const size_t patch_bytes = b.positions() * b.input_step * sizeof(U);
  const size_t panel_macs = b.positions() * g.in_c * width, tile_macs = panel_macs * panels;
  const size_t most = std::min(limits.block_bytes / patch_bytes, limits.block_macs / tile_macs);
  b.block_tiles = std::max<size_t>(most / limits.rows, 1) * limits.rows;
  if (b.tiles <= b.block_tiles + b.block_tiles / 2) b.block_tiles = std::max<size_t>(b.tiles, 1);
  b.blocks = divide_up(b.tiles, b.block_tiles);
  b.panels_per_task = std::min(divide_up(2 * limits.task_macs, panel_macs * b.block_tiles), panels);
  b.blocks_per_task = b.panels_per_task < panels
                          ? 1
                          : std::max<size_t>(limits.task_macs / (tile_macs * b.block_tiles), 1);
  b.u_plane = plane_elements(b.block_tiles * b.input_step, sizeof(U));
  b.m_plane = plane_elements(b.block_tiles * width, sizeof(M));
  return b;
}

}  // namespace octet::kernels::winograd
