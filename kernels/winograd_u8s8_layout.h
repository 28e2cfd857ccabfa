// How winograd_u8s8 lays out its data: plain arithmetic, no SIMD. How it cuts the output:
// winograd_tiles.h.
//
//   V [p][tile][in_c]    s16, the transformed patches: whole vectors of channels
//   M [p][tile][width]   s32, for each panel of output channels and each p: V[p] times the weights
//   y                    the panel's outputs, back from M
//
// where p counts the (m + 2)^2 positions of a patch. Packed weights, panel by panel:
//
//   bias        s32 [width]   minus x_zero_point * sum of weights
//   multiplier  f32 [width]
//   weights     s16 [p][pairs of input channels][width][2], on Arm as
//               winograd_u8s8_product-inl.h wants them
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/winograd_tiles.h"
#include "kernels/winograd_u8s8.h"

namespace octet::kernels::winograd_u8s8 {

struct Layout : winograd::Tiles {
  size_t width = 0;                  // columns of a panel
  size_t pairs = 0, input_step = 0;  // of input channels; these up to whole vectors
  size_t v_plane = 0, m_plane = 0;   // elements of one position

  size_t first_channel(size_t panel) const { return panel * width; }
  size_t header_bytes() const { return 8 * width; }
  size_t position_bytes() const { return pairs * width * 4; }
  size_t panel_bytes() const { return header_bytes() + positions * position_bytes(); }

  size_t v_bytes() const { return align_up(positions * v_plane * sizeof(int16_t)); }
  size_t m_bytes() const { return align_up(positions * m_plane * sizeof(int32_t)); }
  size_t patch_bytes() const { return align_up(positions * input_step); }
  size_t workspace_bytes() const { return v_bytes() + m_bytes() + patch_bytes(); }
};

// lanes: of s16; width: columns of a panel; rows: tiles of a register tile.
inline Layout make_layout(const Params& params, size_t lanes, size_t width, size_t rows) {
  const Conv2dGeometry& g = params.geometry;
  const size_t positions = (params.tile + 2) * (params.tile + 2);
  const size_t input_step = divide_up(g.in_c, lanes) * lanes;
  // The weights pass once for each block, so blocks are as large as V may be.
  const winograd::TileCosts costs{.patch_bytes = positions * input_step * sizeof(int16_t),
                                  .panel_macs = positions * g.in_c * width,
                                  .rows = rows,
                                  .block_bytes = 256 << 10,
                                  .block_macs = SIZE_MAX,
                                  .task_macs = size_t{1} << 20};
  Layout l{winograd::cut_tiles(g, params.tile, divide_up(g.out_c, width), costs)};
  l.width = width;
  l.pairs = divide_up(g.in_c, 2);
  l.input_step = input_step;
  l.v_plane = winograd::plane_elements(l.block_tiles * input_step, sizeof(int16_t));
  l.m_plane = winograd::plane_elements(l.block_tiles * width, sizeof(int32_t));
  return l;
}

}  // namespace octet::kernels::winograd_u8s8
