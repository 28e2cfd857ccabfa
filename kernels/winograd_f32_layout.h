// How winograd_f32 lays out its data: plain arithmetic, no SIMD. How it cuts the output:
// winograd_tiles.h. p counts the (m + 2)^2 positions of a patch:
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
#include "kernels/winograd_tiles.h"

namespace octet::kernels::winograd_f32 {

inline size_t tile_of(const Params& params) {
  return params.tile == 0 ? winograd::fewest_products(params.geometry) : params.tile;
}

struct Layout : winograd::Tiles {
  conv_f32::Layout direct{};          // of the same layer: panels of output channels
  size_t inputs = 0, input_step = 0;  // channels; the same up to whole vectors
  size_t u_plane = 0, m_plane = 0;    // floats of one position

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

  size_t rows_bytes() const { return align_up(block_tiles * sizeof(const float*)); }
  size_t u_bytes() const { return align_up(positions * u_plane * sizeof(float)); }
  size_t m_bytes() const { return align_up(positions * m_plane * sizeof(float)); }
  size_t patch_bytes() const { return align_up(positions * input_step * sizeof(float)); }
  size_t workspace_bytes() const { return rows_bytes() + u_bytes() + m_bytes() + patch_bytes(); }
};

// As many tiles as leave U in L2 beside the weights and make 2 M multiply-adds, but at least one
// register tile of them; and tasks of 20 to 50 us: 1/2 to 2 M multiply-adds and the transforms.
inline Layout make_layout(const Conv2dGeometry& g, size_t m, size_t lanes, size_t panel_vectors,
                          size_t tile_rows) {
  const conv_f32::Layout direct = conv_f32::make_layout(g, lanes, panel_vectors, tile_rows);
  const size_t positions = (m + 2) * (m + 2), input_step = divide_up(g.in_c, lanes) * lanes;
  const winograd::TileCosts costs{.patch_bytes = positions * input_step * sizeof(float),
                                  .panel_macs = positions * g.in_c * direct.vectors_of(0) * lanes,
                                  .rows = tile_rows,
                                  .block_bytes = 256 * 1024,
                                  .block_macs = size_t{2} << 20,
                                  .task_macs = size_t{1} << 20};
  Layout l{winograd::cut_tiles(g, m, direct.panels_per_group, costs)};
  l.direct = direct;
  l.inputs = g.in_c;
  l.input_step = input_step;
  l.u_plane = winograd::plane_elements(l.block_tiles * input_step, sizeof(float));
  l.m_plane = winograd::plane_elements(l.block_tiles * l.width_of(0), sizeof(float));
  return l;
}

}  // namespace octet::kernels::winograd_f32
