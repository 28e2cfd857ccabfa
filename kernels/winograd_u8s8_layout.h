// How winograd_u8s8 lays out its data: plain arithmetic, no SIMD. How it cuts the output, and the
// workspace: winograd_tiles.h.
//
// Packed weights, panel by panel, p being a position of a patch:
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

struct Layout : winograd::Blocks<uint8_t, int16_t, int32_t> {
  size_t pairs = 0;  // of input channels

  size_t header_bytes() const { return 8 * width; }
  size_t position_bytes() const { return pairs * width * 4; }
  size_t panel_bytes() const { return header_bytes() + positions() * position_bytes(); }
  size_t workspace_bytes() const { return buffers_bytes(); }
};

// lanes: of s16; width: columns of a panel; rows: tiles of a register tile.
inline Layout make_layout(const Params& params, size_t lanes, size_t width, size_t rows) {
  const Conv2dGeometry& g = params.geometry;
  // The weights pass once for each block, so blocks are as large as U may be.
  Layout l{winograd::cut_blocks<uint8_t, int16_t, int32_t>(g, params.tile, lanes,
                                                           divide_up(g.out_c, width), width,
                                                           {.rows = rows,
                                                            .block_bytes = 256 << 10,
                                                            .block_macs = SIZE_MAX,
                                                            .task_macs = size_t{1} << 20})};
  l.pairs = divide_up(g.in_c, 2);
  return l;
}

}  // namespace octet::kernels::winograd_u8s8
