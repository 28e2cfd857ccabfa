// How depthwise_u8s8 cuts a layer into vectors, and the packed weights that follow from it.
//
// A vector of `lanes` bytes is a block of channels of one pixel. Four input vectors,
// byte-interleaved, become four vectors of "quads" (32-bit lanes of four bytes, one byte from each
// input), which the u8 x s8 dot product multiplies by quads of weights:
//
//   inputs     a0 a1 a2 ...   b0 b1 b2 ...   c0 c1 c2 ...   d0 d1 d2 ...
//   quads      a0 b0 c0 d0 | a1 b1 c1 d1 | ...        16 channels of a 128-bit block: 4 vectors
//
// 3x3, stride 1: a..d are one column of four input rows. Weights [w0 w1 w2 0] give output row 0,
// [0 w0 w1 w2] output row 1, and one quad serves the three output columns that see its column.
// 3x3, stride 2: a..c are one column of three input rows, for one output row.
// Anything else: a..d are four consecutive taps of one output pixel.
//
// Packed, for each strip of channels: `groups` times four vectors of weight quads, then four
// vectors of bias (s32, with the input's zero point folded in) and four of multipliers (f32).
//
// The channels that full blocks leave over form narrower strips; a strip of lanes / pieces channels
// puts `pieces` bands of output rows side by side into one vector, so that no lane idles.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/depthwise_u8s8.h"

namespace octet::kernels::depthwise_u8s8 {

enum class Path { stride1, stride2, general };

struct Strip {
  size_t channel = 0;  // first
  size_t width = 0;    // channels
  size_t pieces = 1;   // lanes / width
};

struct Layout {
  size_t lanes = 0;   // bytes in a vector
  size_t pieces = 1;  // most that a strip may have
  size_t groups = 0;  // of weight quads
  size_t rows = 1;    // output rows of a band
  Path path = Path::general;

  // most_pieces: as many as the target makes strips for.
  Layout(const Conv2dGeometry& g, size_t lanes_, size_t most_pieces) : lanes(lanes_) {
    const bool is_3x3 =
        g.kernel_h == 3 && g.kernel_w == 3 && g.dilation_h == 1 && g.dilation_w == 1;
    if (is_3x3 && g.in_c >= lanes / most_pieces) {
      if (g.stride_h == 1 && g.stride_w == 1) path = Path::stride1;
      if (g.stride_w == 2) path = Path::stride2;
    }
    groups = path == Path::stride1   ? 6
             : path == Path::stride2 ? 3
                                     : (g.kernel_h * g.kernel_w + 3) / 4;
    if (path == Path::general) return;
    rows = path == Path::stride1 ? 2 : 1;
    // An image of few rows has no bands to put side by side.
    pieces = most_pieces;
    while (pieces > 1 && rows * pieces > g.out_h && g.in_c >= lanes / pieces * 2) pieces /= 2;
  }

  // The strip that starts where `covered` channels are done; it overlaps them when it must.
  Strip strip(size_t channels, size_t covered) const {
    const size_t rest = channels - covered;
    size_t width = lanes / pieces;
    while (width < rest && width < lanes && 2 * width <= channels) width *= 2;
    if (width > channels) return {0, channels, 1};  // general path: part of one vector
    return {std::min(covered, channels - width), width, lanes / width};
  }

  // Calls f(strip, index) for all strips.
  template <class F>
  void for_each_strip(size_t channels, const F& f) const {
    size_t index = 0;
    for (size_t covered = 0; covered < channels;) {
      const Strip s = strip(channels, covered);
      f(s, index++);
      covered = s.channel + s.width;
    }
  }

  // Output rows of a task.
  size_t task_rows(size_t channels) const {
    size_t most = 1;
    for_each_strip(channels, [&](const Strip& s, size_t) { most = std::max(most, s.pieces); });
    return rows * most;
  }

  size_t strips(size_t channels) const {
    size_t count = 0;
    for_each_strip(channels, [&](const Strip&, size_t) { ++count; });
    return count;
  }

  size_t weight_bytes() const { return groups * 4 * lanes; }
  size_t strip_bytes() const { return weight_bytes() + 2 * 4 * lanes; }

  // Which weights [ky * kernel_w + kx] the bytes of quad group i hold; -1 for none.
  std::array<int, 4> taps(size_t i, size_t all_taps) const {
    std::array<int, 4> t{-1, -1, -1, -1};
    if (path == Path::general) {
      for (size_t k = 0; k < 4; ++k)
        if (4 * i + k < all_taps) t[k] = static_cast<int>(4 * i + k);
    } else {
      const size_t row = i / 3, column = i % 3;
      for (size_t ky = 0; ky < 3; ++ky) t[row + ky] = static_cast<int>(ky * 3 + column);
    }
    return t;
  }

  // The byte of the block that 32-bit lane `lane` of quad vector j stands for.
  size_t byte_of(size_t j, size_t lane) const {
    const size_t block_lanes = std::min<size_t>(lanes / 4, 4);
    return lane / block_lanes * block_lanes * 4 + j * block_lanes + lane % block_lanes;
  }
};

// One channel's four bytes of group i.
inline int32_t weight_quad(const Params& params, const Layout& layout, size_t i, size_t channel) {
  const size_t all_taps = params.geometry.kernel_h * params.geometry.kernel_w;
  const std::array<int, 4> taps = layout.taps(i, all_taps);
  uint32_t quad = 0;
  for (size_t k = 0; k < 4; ++k)
    if (taps[k] >= 0) {
      const int8_t w = params.weight[channel * all_taps + static_cast<size_t>(taps[k])];
      quad |= uint32_t{static_cast<uint8_t>(w)} << (8 * k);
    }
  return std::bit_cast<int32_t>(quad);
}

// bias - x_zero_point * (sum of the weights): then the kernel multiplies plain bytes. May wrap, as
// the sums do; the whole is exact.
inline int32_t folded_bias(const Params& params, size_t channel) {
  const size_t all_taps = params.geometry.kernel_h * params.geometry.kernel_w;
  uint32_t bias = static_cast<uint32_t>(params.bias[channel]);
  for (size_t t = 0; t < all_taps; ++t)
    bias -= static_cast<uint32_t>(params.x_zero_point * params.weight[channel * all_taps + t]);
  return std::bit_cast<int32_t>(bias);
}

inline void pack_strip(const Params& params, const Layout& layout, const Strip& strip,
                       std::byte* packed) {
  const size_t words = layout.lanes / 4;
  int32_t* weights = reinterpret_cast<int32_t*>(packed);
  int32_t* bias = reinterpret_cast<int32_t*>(packed + layout.weight_bytes());
  float* multiplier = reinterpret_cast<float*>(bias + layout.lanes);
  for (size_t j = 0; j < 4; ++j)
    for (size_t lane = 0; lane < words; ++lane) {
      const size_t byte = layout.byte_of(j, lane);
      // Lanes beyond the channels compute zeros that are not stored.
      const bool idle = strip.pieces == 1 && byte >= strip.width;
      const size_t channel = strip.channel + byte % strip.width;
      const size_t at = j * words + lane;
      for (size_t i = 0; i < layout.groups; ++i)
        weights[i * layout.lanes + at] = idle ? 0 : weight_quad(params, layout, i, channel);
      bias[at] = idle ? 0 : folded_bias(params, channel);
      multiplier[at] = idle ? 0.0f : params.multiplier[channel];
    }
}

}  // namespace octet::kernels::depthwise_u8s8
