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
// Anything else, but on x86: a..d are four consecutive taps of one output pixel.
//
// Packed, for each strip of channels: `groups` times four vectors of weight quads, then four
// vectors of bias (s32, of quads and pairs with the input's zero point folded in) and four of
// multipliers (f32).
//
// Pairs. Where there is no instruction for quads, 3x3 takes byte pairs, two vectors in place of
// four: the upper two rows of a column, and two columns of the lowest row, a column as it is loaded
// with the one before; for one output row. vpmaddubsw sums the products of a pair in 16 bits, which
// u8 x s8 overflow, so weights are cut into digits, w = 16 high + low, both in -8..8: then nine
// products are at most 9 * 255 * 8 < 2^15, and 16 sum(high) + sum(low) is exact. Packed
// (quads_to_pairs) are five pairs of taps, of each the low digits, then the high ones, two vectors
// each:
//   w00 w10 | w01 w11 | w02 w12 |  stride 1: w20 w21 | 0 w22     stride 2: 0 w20 | w21 w22
//
// Widened. On x86 kernels other than 3x3 take pairs of 16 bits, which vpmaddwd and VNNI's vpdpwssd
// sum in 32: to interleave taps anew for each output pixel takes longer than to multiply them. Two
// input rows, a channel of both in a word, less the zero point, go into working memory once, and
// then serve every output column and both output rows of a band. Those are the input rows 0 to 5 of
// a kernel of five, pair after pair, and the weights of a column
//   w0 w1 | w2 w3 | w4 0     for output row 0
//   0 w0 | w1 w2 | w3 w4     for output row 1
// With a stride, a dilation or an even number of rows a band is one output row. Channels keep their
// order; a strip is one, two or four vectors of words.
//
// 3x3: the channels that full blocks leave over form narrower strips; one of lanes / pieces
// channels puts `pieces` bands of output rows side by side into one vector, so that no lane idles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/buffer.h"
#include "kernels/depthwise_u8s8.h"

namespace octet::kernels::depthwise_u8s8 {

constexpr size_t kMostLanes = 64;

enum class Path { stride1, stride2, widened, general };

struct Strip {
  size_t channel = 0;  // first
  size_t width = 0;    // channels
  size_t pieces = 1;   // side by side
};

struct Layout {
  size_t lanes = 0;      // bytes in a vector
  size_t pieces = 1;     // most that a strip may have
  size_t groups = 0;     // of weight quads; widened: of pairs, for all rows of a band
  size_t rows = 1;       // output rows of a band
  size_t bands = 1;      // of a task: to begin a task takes as long as two or three output columns
  size_t row_pairs = 0;  // widened: of input rows under a band
  bool pairs = false;
  Path path = Path::general;

  // most_pieces: as many as the target makes strips for.
  Layout(const Conv2dGeometry& g, size_t lanes_, size_t most_pieces, bool pairs_, bool widens)
      : lanes(lanes_), pairs(pairs_) {
    const bool is_3x3 =
        g.kernel_h == 3 && g.kernel_w == 3 && g.dilation_h == 1 && g.dilation_w == 1;
    if (is_3x3 && g.in_c >= lanes / most_pieces) {
      if (g.stride_h == 1 && g.stride_w == 1) path = Path::stride1;
      if (g.stride_w == 2) path = Path::stride2;
    }
    if (path == Path::general) {
      if (widens)
        set_widened(g);
      else
        groups = (g.kernel_h * g.kernel_w + 3) / 4;
      return;
    }
    const bool two_rows = path == Path::stride1 && !pairs;
    groups = two_rows ? 6 : 3;
    rows = two_rows ? 2 : 1;
    if (pairs) bands = 4;
    // An image of few rows has no bands to put side by side.
    pieces = most_pieces;
    while (pieces > 1 && rows * pieces > g.out_h && g.in_c >= lanes / pieces * 2) pieces /= 2;
  }

  void set_widened(const Conv2dGeometry& g) {
    path = Path::widened;
    if (g.stride_h == 1 && g.dilation_h == 1 && g.kernel_h % 2 == 1) rows = 2;
    bands = 4 / rows;
    row_pairs = (g.kernel_h + rows) / 2;
    groups = rows * row_pairs * g.kernel_w;
  }

  // The strip that starts where `covered` channels are done; it overlaps them when it must.
  Strip strip(size_t channels, size_t covered) const {
    const size_t rest = channels - covered;
    size_t width = path == Path::widened ? lanes / 4 : lanes / pieces;
    while (width < rest && width < lanes && 2 * width <= channels) width *= 2;
    if (width > channels) return {0, channels, 1};  // not 3x3: part of one vector
    return {std::min(covered, channels - width), width, path == Path::widened ? 1 : lanes / width};
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
    return bands * rows * most;
  }

  size_t strips(size_t channels) const {
    size_t count = 0;
    for_each_strip(channels, [&](const Strip&, size_t) { ++count; });
    return count;
  }

  // Times four.
  size_t weight_vectors() const { return pairs && path != Path::widened ? 5 : groups; }
  size_t weight_bytes() const { return weight_vectors() * lanes * 4; }
  size_t strip_bytes() const { return weight_bytes() + 2 * 4 * lanes; }

  // The first groups, which hold every weight once; those of a second output row repeat them.
  size_t once() const { return rows == 2 ? groups / 2 : groups; }

  // The 32-bit word, counted over the four quad vectors, that stands for byte `byte` of a block.
  size_t word_of(size_t byte) const {
    if (path == Path::widened) return byte;
    return byte / 4 % 4 * (lanes / 4) + byte / 16 * 4 + byte % 4;
  }
};

// Columns of widened rows in working memory: all that the output sees. The first `left` are left of
// the image, then come those inside.
struct WidenedColumns {
  size_t all, left, inside;

  explicit WidenedColumns(const Conv2dGeometry& g)
      : all((g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1),
        left(std::min(g.pad_left, all)),
        inside(std::min(g.in_w, all - left)) {}
};

// Writes the widened pairs of one channel, each `lanes` words after the one before.
inline void pack_widened(const Layout& layout, const Conv2dGeometry& g, const int8_t* weight,
                         uint32_t* to) {
  // Above the kernel rows wrap to values beyond its height.
  const auto at = [&](size_t ky, size_t kx) -> uint32_t {
    return ky < g.kernel_h ? static_cast<uint16_t>(weight[ky * g.kernel_w + kx]) : 0;
  };
  for (size_t r = 0; r < layout.rows; ++r)
    for (size_t p = 0; p < layout.row_pairs; ++p)
      for (size_t kx = 0; kx < g.kernel_w; ++kx, to += layout.lanes)
        *to = at(2 * p - r, kx) | at(2 * p + 1 - r, kx) << 16;
}

// Writes the quads of one channel, each `lanes` words after the one before.
inline void pack_quads(const Layout& layout, const int8_t* weight, size_t taps, uint32_t* to) {
  if (layout.path == Path::general) {
    for (size_t t = 0; t < taps; t += 4, to += layout.lanes) {
      *to = 0;
      std::memcpy(to, weight + t, std::min<size_t>(4, taps - t));
    }
    return;
  }
  const auto byte = [&](size_t t) { return uint32_t{static_cast<uint8_t>(weight[t])}; };
  for (size_t kx = 0; kx < 3; ++kx) {
    const uint32_t column = byte(kx) | byte(3 + kx) << 8 | byte(6 + kx) << 16;
    to[kx * layout.lanes] = column;
    if (layout.rows == 2) to[(3 + kx) * layout.lanes] = column << 8;
  }
}

// All of a strip; but where weights are quads not the zero point's part of the bias, which is left
// to fold_zero_point (pack-inl.h).
[[gnu::cold, gnu::noinline]] inline void pack_strip(const Params& params, const Layout& layout,
                                                    const Strip& strip, std::byte* packed) {
  const size_t taps = params.geometry.kernel_h * params.geometry.kernel_w;
  auto* weights = reinterpret_cast<uint32_t*>(packed);
  auto* bias = reinterpret_cast<int32_t*>(packed + layout.weight_bytes());
  auto* multiplier = reinterpret_cast<float*>(bias + layout.lanes);
  // Lanes beyond the channels compute zeros that are not stored.
  if (strip.width * strip.pieces < layout.lanes) std::memset(packed, 0, layout.strip_bytes());
  for (size_t p = 0; p < strip.pieces; ++p)
    for (size_t c = 0; c < strip.width; ++c) {
      const size_t channel = strip.channel + c, word = layout.word_of(p * strip.width + c);
      const int8_t* weight = params.weight + channel * taps;
      if (layout.path == Path::widened)
        pack_widened(layout, params.geometry, weight, weights + word);
      else
        pack_quads(layout, weight, taps, weights + word);
      bias[word] = params.bias[channel];
      multiplier[word] = params.multiplier[channel];
    }
}

// 3x3: the quads of pack_strip become pairs of digits, where they stand.
[[gnu::cold, gnu::noinline]] inline void quads_to_pairs(const Layout& layout, std::byte* packed) {
  const size_t lanes = layout.lanes, words = lanes / 4;
  const bool stride1 = layout.path == Path::stride1;
  int8_t quads[3 * 4 * kMostLanes];
  std::memcpy(quads, packed, 3 * 4 * lanes);
  auto* digits = reinterpret_cast<int8_t*>(packed);
  for (size_t i = 0; i < lanes; ++i) {
    const auto w = [&](size_t kx, size_t ky) { return quads[(kx * lanes + i) * 4 + ky]; };
    // Word i of four vectors is 16-bit element `at` of two.
    const size_t at = i / words / 2 * (lanes / 2) + i % words / 4 * 8 + i / words % 2 * 4 + i % 4;
    const auto put = [&](size_t pair, int first, int second) {
      int8_t* low = digits + pair * 4 * lanes + at * 2;
      int8_t* high = low + 2 * lanes;
      for (const int w : {first, second}) {
        *low = static_cast<int8_t>(((w + 8) & 15) - 8);
        *high++ = static_cast<int8_t>((w - *low++) / 16);
      }
    };
    for (size_t kx = 0; kx < 3; ++kx) put(kx, w(kx, 0), w(kx, 1));
    put(3, stride1 ? w(0, 2) : 0, stride1 ? w(1, 2) : w(0, 2));
    put(4, stride1 ? 0 : w(1, 2), w(2, 2));
  }
}

}  // namespace octet::kernels::depthwise_u8s8
