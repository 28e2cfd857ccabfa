// How winograd_f32 lays out its data: plain arithmetic, no SIMD. How it cuts the output, and the
// workspace: winograd_tiles.h.
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
#include "kernels/winograd_tiles.h"

namespace octet::kernels::winograd_f32 {

inline size_t tile_of(const Params& params) {
  return params.tile == 0 ? winograd::fewest_products(params.geometry) : params.tile;
}

struct Layout : winograd::Blocks<float, float, float> {
  conv_f32::Layout direct{};  // of the same layer: panels of output channels
  size_t inputs = 0;

  size_t width_of(size_t panel) const { return direct.vectors_of(panel) * direct.lanes; }
  size_t columns_of(size_t panel) const {
    return std::min(width_of(panel), direct.group_out - first_channel(panel));
  }
  // Of packed weights.
  size_t position_floats(size_t panel) const { return (1 + inputs) * width_of(panel); }
  size_t panel_offset(size_t panel) const {
    return positions() * (1 + inputs) * first_channel(panel);
  }
  size_t weight_floats() const {
    return positions() * (1 + inputs) * direct.vectors * direct.lanes;
  }
  size_t direct_panel_floats() const { return direct.panel_offset(1); }

  // The pointers to U's rows, which the products want, lie behind the buffers.
  size_t rows_bytes() const { return align_up(block_tiles * sizeof(const float*)); }
  size_t workspace_bytes() const { return buffers_bytes() + rows_bytes(); }
};

// As many tiles as leave U in L2 beside the weights and make 2 M multiply-adds, but at least one
// register tile of them; and tasks of 20 to 50 us: 1/2 to 2 M multiply-adds and the transforms.
inline Layout make_layout(const Conv2dGeometry& g, size_t m, size_t lanes, size_t panel_vectors,
                          size_t tile_rows) {
  const conv_f32::Layout direct = conv_f32::make_layout(g, lanes, panel_vectors, tile_rows);
  const size_t width = direct.vectors_of(0) * lanes;
  Layout l{winograd::cut_blocks<float, float, float>(g, m, lanes, direct.panels_per_group, width,
                                                     {.rows = tile_rows,
                                                      .block_bytes = 256 * 1024,
                                                      .block_macs = size_t{2} << 20,
                                                      .task_macs = size_t{1} << 20})};
  l.direct = direct;
  l.inputs = g.in_c;
  return l;
}

}  // namespace octet::kernels::winograd_f32
