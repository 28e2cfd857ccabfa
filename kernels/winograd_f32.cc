// Start reading at winograd_tiles.h (how the work is cut), winograd_f32_layout.h (what lies where),
// winograd_transform-inl.h and winograd_block-inl.h (from the image to U); the products are
// conv_f32's register tile. Here: packing, from U to the output.
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
#include "kernels/winograd_block-inl.h"
#include "kernels/winograd_f32_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32::HWY_NAMESPACE {
namespace direct = octet::kernels::conv_f32::HWY_NAMESPACE;

Layout layout_of(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const size_t rows = g.out_c > kLanes ? direct::kTileRows : direct::kSingleRows;
  return make_layout(g, tile_of(params), kLanes, direct::kPanelVectors, rows);
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

[[gnu::cold]] size_t packed_bytes(const Params& params) {
  return direct_offset(layout_of(params)) + conv_f32::packed_bytes(direct_params(params));
}

template <class F>
void pack_panel(const Layout& l, const float* from, size_t width, float* to) {
  const size_t position = (1 + l.inputs) * width, tap = l.inputs * width;
  for (int p = 0; p < F::kIn * F::kIn; ++p)
    if (p == kBiasPosition<F>)
      std::copy_n(from, width, to + p * position);
    else
      std::fill_n(to + p * position, width, 0.0f);
  for (size_t k = width; k < position; k += kLanes)
    transform<typename F::Filter>(DF(), from + k, 3 * tap, tap, to + k, position);
}

void pack(const Params& params, void* packed) {
  const Layout l = layout_of(params);
  std::byte* scratch = static_cast<std::byte*>(packed) + direct_offset(l);
  conv_f32::pack(direct_params(params), scratch);
  with_transform<F4, F2>(l.m, [&](auto transform) {
    for (size_t panel = 0; panel < l.panels; ++panel)
      pack_panel<decltype(transform)>(
          l, reinterpret_cast<const float*>(scratch) + l.direct.panel_offset(panel),
          l.width_of(panel), static_cast<float*>(packed) + l.panel_offset(panel));
  });
}

[[gnu::cold]] Work work(const Params& params) {
  const Layout l = layout_of(params);
  return {l.tasks(), l.workspace_bytes()};
}

[[gnu::cold]] Cost cost(const Params& params) {
  const Layout l = layout_of(params);
  double slots = 0;  // of a block
  with_transform<F4, F2>(l.m, [&](auto transform) {
    using F = decltype(transform);
    const double patches = static_cast<double>(l.block_tiles * l.input_step / kLanes);
    const double results = static_cast<double>(l.block_tiles * l.direct.vectors);
    slots = patches * transform_slots<typename F::Input, float>() + results * output_slots<F>();
  });
  for (size_t panel = 0; panel < l.panels; ++panel) {
    const size_t vectors = l.direct.vectors_of(panel);
    const size_t most = direct::tiles_for(direct::panel_of(vectors, l.columns_of(panel))).most_rows;
    slots += static_cast<double>(l.positions()) *
             direct::TileRows(l.block_tiles, most).slots(vectors, l.inputs);
  }
  return l.cost(slots, l.weight_floats() * sizeof(float));
}

constexpr size_t kAhead = 2;  // tiles

template <class F>
using Input = winograd::HWY_NAMESPACE::Block<F, DF, float, float, kAhead>;

template <class F>
class Block : public Input<F> {
 public:
  Block(const Params& params, const Layout& l, const float* packed, const float* x, float* y,
        void* workspace)
      : Input<F>(params.geometry, l, x, 0, workspace),
        params_(params),
        l_(l),
        packed_(packed),
        y_(y),
        rows_(reinterpret_cast<const float**>(static_cast<std::byte*>(workspace) +
                                              l.buffers_bytes())) {
    for (size_t i = 0; i < l.block_tiles; ++i) rows_[i] = u_ + i * l.input_step;
  }

  // From U to the outputs of a panel.
  void finish(size_t panel) const {
    multiply(panel);
    const size_t width = l_.width_of(panel), columns = l_.columns_of(panel);
    for (size_t i = 0; i < tiles_; ++i) {
      prefetch_output(this->place_of(i + kAhead), l_.first_channel(panel), columns);
      const TileOutput to = output_of(this->place_of(i));
      for (size_t c = 0; c < columns; c += kLanes)
        transform_output<F>(m_ + i * width + c, l_.m_plane, to, to.y + l_.first_channel(panel) + c,
                            columns - c);
    }
  }

 private:
  using Input<F>::g_, Input<F>::u_, Input<F>::m_, Input<F>::tiles_;

  void prefetch_output(const winograd::Place& at, size_t channel, size_t channels) const {
    Input<F>::prefetch(y_ + at.n * g_.out_h * g_.out_w * g_.out_c, g_.out_h, g_.out_w, g_.out_c,
                       at.oy, at.ox, channel, channels);
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
    for (size_t p = 0; p < l_.positions(); ++p) {
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
    const auto [first, rows, columns] = Input<F>::output_of(at);
    return {.y = y_ + first,
            .row_step = g_.out_w * g_.out_c,
            .pixel_step = g_.out_c,
            .rows = rows,
            .columns = columns,
            .lo = params_.lo,
            .hi = params_.hi};
  }

  const Params& params_;
  const Layout& l_;
  const float* const packed_;
  float* const y_;
  const float** const rows_;  // of U's first position
};

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) {
  const Layout l = layout_of(params);
  with_transform<F4, F2>(l.m, [&](auto transform) {
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
    if (winograd::grid_of(g, m).tiles >= kLeastTiles ||
        (m + 2) * (m + 2) * g.in_c * g.out_c <= kCachedWeights)
      return m;
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
