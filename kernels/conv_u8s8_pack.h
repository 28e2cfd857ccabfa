// How conv_u8s8 sees a layer, and the order of its packed weights (conv_u8s8_pack-inl.h packs
// them).
//
// Every case is one matrix product per group: an output pixel is a row, an output channel a
// column, and a row's K bytes are `taps` pieces of contiguous input:
//
//   whole    in_c / groups > 4: one tap per kernel position, a pixel's channels of the group.
//            Read where they lie; a tap outside the image is the padding row (all x_zero_point).
//   copied   in_c / groups <= 4: so short a piece would waste most of each load. The input rows
//            that some output rows need are copied with their padding into the workspace, where
//            the pixels under a row of the kernel are contiguous: one tap per kernel row
//            (per kernel position, when dilated horizontally).
//
// Each tap is padded with zero weights to whole quads (4 bytes, what one lane of dot_quad takes).
// Columns go in vectors of `lanes`, vectors in panels, as wide as a register tile. Memory:
//
//   padding row | group 0: panel 0, panel 1, ... | group 1: ...
//
//   panel of v vectors:  bias        s32 [v * lanes]   minus x_zero_point * sum of weights
//                        multiplier  f32 [v * lanes]
//                        weights     s8  [taps * quads][v * lanes][4], or s16 where a quad is two
//                        parts (split_s8 in dot_parts-inl.h)
//
//                 column 0     column 1           column 0     column 1
//     quad 0:     k0 k1 k2 k3  k0 k1 k2 k3 ...    quad 1: k4 k5 k6 k7  k4 k5 k6 k7 ...
//
// so that the tile reads a panel from front to back.
//
//   paired   24 columns are one and a half vectors of 16 lanes. Two pixels side by side are taken
//            as one row of 48 columns, 0..23 0..23: three vectors, of which the middle one belongs
//            half to each pixel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/conv_u8s8.h"

namespace octet::kernels::conv_u8s8 {

struct Layout {
  size_t lanes;
  size_t parts;        // vectors for one of quads
  size_t channels;     // input channels of a group
  size_t columns;      // output channels of a group
  bool copied;         // else whole
  bool paired;         // two pixels to a row
  size_t tap_count_w;  // taps in a row of the kernel
  size_t taps;
  size_t tap_bytes;  // contiguous weights of a tap
  size_t quads;      // of a tap
  size_t vectors;    // of a group
  size_t panels;     // of a group

  // whole_panels: only panels of max_panel_vectors.
  Layout(const Params& params, size_t lanes_of_target, size_t parts_of_target,
         size_t max_panel_vectors, bool whole_panels) {
    const Conv2dGeometry& g = params.geometry;
    lanes = lanes_of_target;
    parts = parts_of_target;
    channels = g.in_c / g.groups;
    columns = g.out_c / g.groups;
    copied = channels <= 4;
    paired = lanes == 16 && g.groups == 1 && columns == 24;
    const bool joined = copied && g.dilation_w == 1;
    tap_count_w = joined ? 1 : g.kernel_w;
    taps = g.kernel_h * tap_count_w;
    tap_bytes = channels * (joined ? g.kernel_w : 1);
    quads = (tap_bytes + 3) / 4;
    vectors = paired ? 3 : (columns + lanes - 1) / lanes;
    // 96 columns in one panel are stored without gaps.
    if (lanes == 16 && g.groups == 1 && columns == 96) max_panel_vectors = 6;
    panels = (vectors + max_panel_vectors - 1) / max_panel_vectors;
    if (whole_panels) vectors = panels * max_panel_vectors;
  }

  // Panels differ by at most one vector, the wider ones first.
  size_t first_vector(size_t panel) const {
    return panel * (vectors / panels) + std::min(panel, vectors % panels);
  }
  size_t panel_vectors(size_t panel) const { return first_vector(panel + 1) - first_vector(panel); }

  size_t padding_row_bytes() const { return align_up(channels); }
  // Bias, multiplier and weights.
  size_t vector_bytes() const { return lanes * 4 * (2 + taps * quads * parts); }
  size_t group_bytes() const { return vectors * vector_bytes(); }
  size_t packed_bytes(size_t groups) const { return padding_row_bytes() + groups * group_bytes(); }
  const std::byte* panel(const void* packed, size_t group, size_t panel) const {
    return static_cast<const std::byte*>(packed) + padding_row_bytes() + group * group_bytes() +
           first_vector(panel) * vector_bytes();
  }
};

}  // namespace octet::kernels::conv_u8s8
