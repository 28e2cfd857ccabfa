// How winograd_f32_dw lays out its data and cuts its work: plain arithmetic, no SIMD.
//
// The tiles of all images are numbered (n, row of tiles, column of tiles). A block is a part of the
// gradient, some input by some output channels. A task is one block summed over one chunk of tiles,
// in steps that pass through the workspace; p counts the 36 positions of a patch:
//
//   U [p][tile][block_in]    the transformed patches of x
//   V [p][tile][block_out]   the transformed tiles of dy
//   M [p][kRows][block_in]   for some output channels and each p: V[p]^T U[p]
//
// Partial sums, transformed back: [block][chunk][block_out][3][3][block_in].
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/buffer.h"
#include "kernels/conv2d_geometry.h"
#include "kernels/winograd_tiles.h"

namespace octet::kernels::winograd_f32_dw {

inline constexpr size_t kTile = 4, kPatch = kTile + 2, kPositions = kPatch * kPatch, kTaps = 9;
// Output channels that are multiplied together: M stays in L2 beside U and V.
inline constexpr size_t kRows = 16;

struct Layout : winograd::Grid {
  size_t lanes = 0;
  size_t block_in = 0, block_out = 0;  // channels of a full block, whole vectors
  size_t in_blocks = 0, out_blocks = 0;
  size_t step_tiles = 0, steps = 0, chunk_steps = 0, chunks = 0;
  size_t u_plane = 0, v_plane = 0, m_plane = 0;  // floats of one position

  size_t blocks() const { return in_blocks * out_blocks; }
  size_t block_floats() const { return block_out * kTaps * block_in; }
  size_t offsets_bytes() const { return align_up(block_in / lanes * sizeof(size_t)); }
  size_t u_bytes() const { return align_up(kPositions * u_plane * sizeof(float)); }
  size_t v_bytes() const { return align_up(kPositions * v_plane * sizeof(float)); }
  size_t m_bytes() const { return align_up(kPositions * m_plane * sizeof(float)); }
  size_t patch_bytes() const {
    return align_up(kPositions * std::max(block_in, block_out) * sizeof(float));
  }
  size_t workspace_bytes() const {
    return offsets_bytes() + u_bytes() + v_bytes() + m_bytes() + patch_bytes();
  }
};

// What one block covers.
struct Block {
  size_t first_in, inputs, first_out, outputs;
};

inline Block block_of(const Layout& l, const Conv2dGeometry& g, size_t index) {
  Block b{};
  b.first_in = index % l.in_blocks * l.block_in;
  b.inputs = std::min(l.block_in, g.in_c - b.first_in);
  b.first_out = index / l.in_blocks * l.block_out;
  b.outputs = std::min(l.block_out, g.out_c - b.first_out);
  return b;
}

// Channels in blocks of nearly equal size, whole vectors, at most 64 where that is a choice: there
// the transforms, which every block repeats, take a tenth of the time.
inline size_t block_channels(size_t channels, size_t lanes) {
  constexpr size_t kMostChannels = 64;
  const size_t blocks = divide_up(channels, kMostChannels);
  return divide_up(divide_up(channels, blocks), lanes) * lanes;
}

// Steps leave U and V in L2; where there are few tiles, eight of them, but no shorter than hides
// the way back from the sums. Chunks of several steps where that leaves 64 tasks: enough for the
// threads, and not more partial sums than finish() adds up quickly.
inline void choose_tasks(Layout& l) {
  constexpr size_t kStepBytes = 512 * 1024, kLeastTiles = 16, kLeastSteps = 8, kTasks = 64;
  if (l.tiles == 0) return;
  const size_t tile_bytes = kPositions * (l.block_in + l.block_out) * sizeof(float);
  const size_t most = std::min(std::max<size_t>(kStepBytes / tile_bytes, 1),
                               std::max(l.tiles / kLeastSteps, kLeastTiles));
  l.step_tiles = divide_up(l.tiles, divide_up(l.tiles, most));
  l.steps = divide_up(l.tiles, l.step_tiles);
  l.chunk_steps = divide_up(l.steps, divide_up(kTasks, l.blocks()));
  l.chunks = divide_up(l.steps, l.chunk_steps);
}

inline Layout make_layout(const Conv2dGeometry& g, size_t lanes) {
  Layout l{winograd::grid_of(g, kTile)};
  l.lanes = lanes;
  l.block_in = block_channels(g.in_c, lanes);
  l.block_out = block_channels(g.out_c, lanes);
  l.in_blocks = divide_up(g.in_c, l.block_in);
  l.out_blocks = divide_up(g.out_c, l.block_out);
  choose_tasks(l);
  l.u_plane = winograd::plane_elements(l.step_tiles * l.block_in, sizeof(float));
  l.v_plane = winograd::plane_elements(l.step_tiles * l.block_out, sizeof(float));
  l.m_plane = winograd::plane_elements(kRows * l.block_in, sizeof(float));
  return l;
}

}  // namespace octet::kernels::winograd_f32_dw
