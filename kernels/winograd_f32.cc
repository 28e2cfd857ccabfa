// Start reading at winograd_tiles.h (how the work is cut), winograd_f32_layout.h (what lies where)
// and winograd_f32_transform-inl.h; the products are conv_f32's register tile. Here: packing, the
// loops.
#include "kernels/winograd_f32.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/check.h"
#include "kernels/winograd_f32_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv_f32_tile-inl.h"
#include "kernels/winograd_f32_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32::HWY_NAMESPACE {
namespace direct = octet::kernels::conv_f32::HWY_NAMESPACE;

Layout layout_of(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const size_t rows = g.out_c > kLanes ? direct::kTileRows : direct::kSingleRows;
  return make_layout(g, tile_of(params), kLanes, direct::kPanelVectors, rows);
}

// Calls f with the transforms of the layout.
template <class F>
HWY_INLINE void with_transform(const Layout& l, const F& f) {
  return l.m == 4 ? f(F4()) : f(F2());
}

conv_f32::Params direct_params(const Params& params) {
  return {.geometry = params.geometry,
          .weight = params.weight,
          .bias = params.bias,
          .weight_strides = params.weight_strides};
}

// Where pack() lets conv_f32 pack the layer: its last panel begins where the transformed weights
// end. Transformed from front to back, panels grow only over those that are done.
size_t direct_offset(const Layout& l) {
  return align_up((l.weight_floats() - (l.panels - 1) * l.direct_panel_floats()) * sizeof(float));
}

size_t packed_bytes(const Params& params) {
  return direct_offset(layout_of(params)) + conv_f32::packed_bytes(direct_params(params));
}

template <class F>
void pack_panel(const Layout& l, const float* from, size_t width, float* to) {
  const size_t position = (1 + l.inputs) * width;
  for (int p = 0; p < F::kIn * F::kIn; ++p)
    if (p == kBiasPosition<F>)
      std::copy_n(from, width, to + p * position);
    else
      std::fill_n(to + p * position, width, 0.0f);
  for (size_t k = width; k < position; k += kLanes)
    transform_filter<F>(from + k, l.inputs * width, to + k, position);
}

void pack(const Params& params, void* packed) {
  const Layout l = layout_of(params);
  std::byte* scratch = static_cast<std::byte*>(packed) + direct_offset(l);
  conv_f32::pack(direct_params(params), scratch);
  with_transform(l, [&](auto transform) {
    for (size_t panel = 0; panel < l.panels; ++panel)
      pack_panel<decltype(transform)>(
          l, reinterpret_cast<const float*>(scratch) + l.direct.panel_offset(panel),
          l.width_of(panel), static_cast<float*>(packed) + l.panel_offset(panel));
  });
}

Work work(const Params& params) {
  const Layout l = layout_of(params);
  return {l.tasks(), l.workspace_bytes()};
}

// With every block whole, and transformed for all its panels at once.
[[gnu::cold]] Cost cost(const Params& params) {
  const Layout l = layout_of(params);
  double slots = 0;  // of a block
  with_transform(l, [&](auto transform) {
    using F = decltype(transform);
    const double patches = static_cast<double>(l.block_tiles * l.input_step / kLanes);
    const double results = static_cast<double>(l.block_tiles * l.direct.vectors);
    slots = patches * input_slots<F>() + results * output_slots<F>();
  });
  for (size_t panel = 0; panel < l.panels; ++panel) {
    const size_t vectors = l.direct.vectors_of(panel);
    const size_t most = direct::tiles_for(direct::panel_of(vectors, l.columns_of(panel))).most_rows;
    slots += static_cast<double>(l.positions) *
             direct::TileRows(l.block_tiles, most).slots(vectors, l.inputs);
  }
  const double blocks = static_cast<double>(l.tiles) / static_cast<double>(l.block_tiles);
  return {.slots = slots * blocks,
          .weight_bytes = static_cast<double>(l.weight_floats() * sizeof(float)),
          .weight_passes = static_cast<double>(l.blocks)};
}

// A block of tiles on its way through the workspace.
template <class F>
class Block {
 public:
  Block(const Params& params, const Layout& l, const float* packed, const float* x, float* y,
        void* workspace)
      : params_(params), g_(params.geometry), l_(l), packed_(packed), x_(x), y_(y) {
    auto* at = static_cast<std::byte*>(workspace);
    rows_ = reinterpret_cast<const float**>(at);
    u_ = reinterpret_cast<float*>(at += l.rows_bytes());
    m_ = reinterpret_cast<float*>(at += l.u_bytes());
    patch_ = reinterpret_cast<float*>(at += l.m_bytes());
    for (size_t i = 0; i < l.block_tiles; ++i) rows_[i] = u_ + i * l.input_step;
  }

  // Makes U.
  void begin(size_t block) {
    first_ = block * l_.block_tiles;
    tiles_ = std::min(l_.block_tiles, l_.tiles - first_);
    for (size_t i = 0; i < tiles_; ++i) {
      prefetch_patch(place_of(i + kAhead));
      transform_patch(place_of(i), u_ + i * l_.input_step);
    }
  }

  // From U to the outputs of a panel.
  void finish(size_t panel) const {
    multiply(panel);
    const size_t width = l_.width_of(panel), columns = l_.columns_of(panel);
    for (size_t i = 0; i < tiles_; ++i) {
      prefetch_output(place_of(i + kAhead), l_.first_channel(panel), columns);
      const TileOutput to = output_of(place_of(i));
      for (size_t c = 0; c < columns; c += kLanes)
        transform_output<F>(m_ + i * width + c, l_.m_plane, to, to.y + l_.first_channel(panel) + c,
                            columns - c);
    }
  }

 private:
  winograd::Place place_of(size_t i) const { return l_.place_of(first_ + i); }

  // Tiles are too small for the processor to see where the next one lies.
  static constexpr size_t kAhead = 2;

  void prefetch_patch(const winograd::Place& at) const {
    // What the tiles above and to the left have not read.
    prefetch(x_ + at.n * g_.in_h * g_.in_w * g_.in_c, g_.in_h, g_.in_w, g_.in_c,
             at.oy + 2 - g_.pad_top, at.ox + 2 - g_.pad_left, 0, g_.in_c);
  }

  void prefetch_output(const winograd::Place& at, size_t channel, size_t channels) const {
    prefetch(y_ + at.n * g_.out_h * g_.out_w * g_.out_c, g_.out_h, g_.out_w, g_.out_c, at.oy, at.ox,
             channel, channels);
  }

  void prefetch(const float* image, size_t h, size_t w, size_t pixel, size_t y, size_t x,
                size_t channel, size_t channels) const {
    for (size_t i = y; i < std::min(y + F::kOut, h); ++i)
      for (size_t j = x; j < std::min(x + F::kOut, w); ++j)
        for (size_t c = 0; c < channels; c += direct::kLine)
          hwy::Prefetch(image + (i * w + j) * pixel + channel + c);
  }

  void transform_patch(const winograd::Place& at, float* u) const {
    const size_t iy = at.oy - g_.pad_top, ix = at.ox - g_.pad_left;  // may wrap around
    const bool inside = iy < g_.in_h && g_.in_h - iy >= F::kIn && ix < g_.in_w &&
                        g_.in_w - ix >= F::kIn && l_.inputs == l_.input_step;
    const float* from = patch_;
    size_t row_step = F::kIn * l_.input_step;
    if (inside) {
      from = x_ + ((at.n * g_.in_h + iy) * g_.in_w + ix) * g_.in_c;
      row_step = g_.in_w * g_.in_c;
    } else {
      copy_patch(at.n, iy, ix);
    }
    for (size_t c = 0; c < l_.inputs; c += kLanes)
      transform_input<F>(from + c, row_step, l_.input_step, u + c, l_.u_plane);
  }

  // For patches that stick out of the image, and channels that do not fill vectors.
  void copy_patch(size_t n, size_t iy, size_t ix) const {
    float* to = patch_;
    for (size_t i = 0; i < F::kIn; ++i)
      for (size_t j = 0; j < F::kIn; ++j, to += l_.input_step) {
        if (iy + i < g_.in_h && ix + j < g_.in_w) {
          copy_pixel(x_ + ((n * g_.in_h + iy + i) * g_.in_w + ix + j) * g_.in_c, to);
        } else {
          std::fill_n(to, l_.input_step, 0.0f);
        }
      }
  }

  void copy_pixel(const float* HWY_RESTRICT from, float* HWY_RESTRICT to) const {
    const DF d;
    size_t c = 0;
    for (; c + kLanes <= l_.inputs; c += kLanes) hn::Store(hn::LoadU(d, from + c), d, to + c);
    for (; c < l_.inputs; ++c) to[c] = from[c];
    for (; c < l_.input_step; ++c) to[c] = 0.0f;
  }

  // M[p] = U[p] times the panel's weights for p, in register tiles of nearly equal height.
  void multiply(size_t panel) const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const size_t width = l_.width_of(panel), columns = l_.columns_of(panel);
    const direct::Panel kind = direct::panel_of(l_.direct.vectors_of(panel), columns);
    const direct::TileRange range = direct::tiles_for(kind);
    const auto [count, height, higher] = direct::TileRows(tiles_, range.most_rows);
    // M has room for whole vectors.
    direct::TileArgs t{.rows = rows_,
                       .rows_step = 0,
                       .taps = 1,
                       .run = l_.inputs,
                       .x_offset = 0,
                       .panel = packed_ + l_.panel_offset(panel),
                       .next = nullptr,
                       .next_step = l_.blocks > 1 ? 0 : divide_up(width, count),
                       .y = m_,
                       .y_step = width,
                       .columns = kind == direct::Panel::half ? columns : width,
                       .lo = -kInfinity,
                       .hi = kInfinity};
    for (size_t p = 0; p < l_.positions; ++p) {
      t.rows = rows_;
      t.y = m_ + p * l_.m_plane;
      t.next = t.panel + (t.next_step ? l_.position_floats(panel) : 0);
      if (higher != 0) {
        range.of_rows[height](t, higher);
        t.rows += higher * (height + 1);
        t.y += higher * (height + 1) * width;
        t.next += higher * l_.inputs * t.next_step;
      }
      range.of_rows[height - 1](t, count - higher);
      t.x_offset += l_.u_plane;
      t.panel += l_.position_floats(panel);
    }
  }

  TileOutput output_of(const winograd::Place& at) const {
    return {.y = y_ + ((at.n * g_.out_h + at.oy) * g_.out_w + at.ox) * g_.out_c,
            .row_step = g_.out_w * g_.out_c,
            .pixel_step = g_.out_c,
            .rows = static_cast<int>(std::min<size_t>(g_.out_h - at.oy, F::kOut)),
            .columns = static_cast<int>(std::min<size_t>(g_.out_w - at.ox, F::kOut)),
            .lo = params_.lo,
            .hi = params_.hi};
  }

  const Params& params_;
  const Conv2dGeometry& g_;
  const Layout& l_;
  const float* packed_;
  const float* x_;
  float* y_;
  const float** rows_;  // of U's first position
  float *u_, *m_, *patch_;
  size_t first_ = 0, tiles_ = 0;  // of the block
};

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) {
  const Layout l = layout_of(params);
  with_transform(l, [&](auto transform) {
    Block<decltype(transform)> b(params, l, static_cast<const float*>(packed), x, y, workspace);
    l.run(b, begin, end);
  });
}

}  // namespace octet::kernels::winograd_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::winograd_f32 {

HWY_EXPORT(packed_bytes);
HWY_EXPORT(pack);
HWY_EXPORT(work);
HWY_EXPORT(cost);
HWY_EXPORT(run);

bool is_supported(const Conv2dGeometry& g) noexcept { return winograd::is_supported(g); }

// Measured on Zen 4 (winograd_f32_bench): 1.4 to 3.5 times as fast where these hold.
size_t best_tile(const Conv2dGeometry& g) noexcept {
  // Transforms cost as much as 16 channels of products; fewer do not fill the widest vectors,
  // either.
  constexpr size_t kLeastChannels = 16;
  if (std::min(g.in_c, g.out_c) < kLeastChannels) return 0;
  const size_t least = winograd::fewest_products(g);
  for (const size_t m : {least, 6 - least}) {
    // Images of 1x1, and those that leave half of their last tiles empty.
    if (12 * winograd::products(g, m) > 7 * 9 * g.out_h * g.out_w) continue;
    // Weights grow to (m + 2)^2 / 9 times their size. Beyond L2, reading them for less than a
    // register tile of rows takes the time that multiplications no longer do.
    constexpr size_t kLeastTiles = 12, kCachedWeights = 256 * 1024;
    const size_t tiles = g.batch * divide_up(g.out_h, m) * divide_up(g.out_w, m);
    if (tiles >= kLeastTiles || (m + 2) * (m + 2) * g.in_c * g.out_c <= kCachedWeights) return m;
  }
  return 0;
}

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(packed_bytes)(params);
}

void pack(const Params& params, void* packed) noexcept {
  OCTET_DCHECK(is_supported(params.geometry));
  HWY_DYNAMIC_DISPATCH(pack)(params, packed);
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(cost)(params); }

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  HWY_DYNAMIC_DISPATCH(run)(params, packed, x, y, workspace, begin, end);
}

}  // namespace octet::kernels::winograd_f32
#endif  // HWY_ONCE
