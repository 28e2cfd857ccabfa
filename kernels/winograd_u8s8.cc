// Start reading at winograd_tiles.h (how the work is cut), winograd_u8s8_layout.h (what lies
// where), winograd_u8s8_transform-inl.h, winograd_u8s8_product-inl.h and winograd_u8s8_pack-inl.h;
// outputs are stored as those of conv_u8s8. Here: the loops.
#include "kernels/winograd_u8s8.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/winograd_u8s8_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_u8s8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/igemm_u8s8_store-inl.h"
#include "kernels/winograd_u8s8_pack-inl.h"
#include "kernels/winograd_u8s8_product-inl.h"
#include "kernels/winograd_u8s8_transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE {
namespace direct = octet::kernels::conv_u8s8::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

// Without vectors nobody asks for speed; a second form would be code to ship.
size_t packed_bytes(const Params& params) { return conv_u8s8::packed_bytes(params); }
void pack(const Params& params, void* packed) { conv_u8s8::pack(params, packed); }
Work work(const Params& params) { return conv_u8s8::work(params); }
Cost cost(const Params& params) { return conv_u8s8::cost(params); }
void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) {
  conv_u8s8::run(params, packed, x, y, workspace, begin, end);
}

#else

Layout layout_of(const Params& params) {
  return make_layout(params, kInputLanes, kWidth, kMostRows);
}

// Calls f with the transforms of the layer's tile.
template <class F>
HWY_INLINE void with_transform(size_t tile, const F& f) {
  return tile == 4 ? f(F4()) : f(F2());
}

size_t packed_bytes(const Params& params) {
  const Layout l = layout_of(params);
  return l.panels * l.panel_bytes();
}

void pack(const Params& params, void* packed) {
  const Layout l = layout_of(params);
  const PackChunk chunk = l.m == 4 ? &pack_chunk<F4> : &pack_chunk<F2>;
  for (size_t panel = 0; panel < l.panels; ++panel)
    pack_panel(params, l, chunk, panel, static_cast<std::byte*>(packed) + panel * l.panel_bytes());
}

Work work(const Params& params) {
  const Layout l = layout_of(params);
  return {l.tasks(), l.workspace_bytes()};
}

// With every block whole, and transformed for all its panels at once.
[[gnu::cold]] Cost cost(const Params& params) {
  const Layout l = layout_of(params);
  const auto count = [](size_t n) { return static_cast<double>(n); };
  double slots = 0;  // of a block
  with_transform(l.m, [&](auto transform) {
    using F = decltype(transform);
    slots = count(l.block_tiles * l.input_step / kInputLanes) * input_slots<F>() +
            count(l.block_tiles * l.panels * kPanelVectors) * output_slots<F>();
  });
  with_dot([&](auto dot) {
    slots += count(l.positions * l.panels) *
             multiply_slots<decltype(dot)::value>(l.block_tiles, l.pairs);
  });
  return {.slots = slots * count(l.tiles) / count(l.block_tiles),
          .weight_bytes = count(l.panels * l.panel_bytes()),
          .weight_passes = count(l.blocks)};
}

// A block of tiles on its way through the workspace.
template <class F>
class Block {
 public:
  Block(const Params& params, const Layout& l, const void* packed, const uint8_t* x, uint8_t* y,
        void* workspace)
      : params_(params),
        g_(params.geometry),
        l_(l),
        packed_(static_cast<const std::byte*>(packed)),
        x_(x),
        y_(y) {
    auto* at = static_cast<std::byte*>(workspace);
    v_ = reinterpret_cast<int16_t*>(at);
    m_ = reinterpret_cast<int32_t*>(at += l.v_bytes());
    patch_ = reinterpret_cast<uint8_t*>(at += l.m_bytes());
  }

  // Makes V.
  void begin(size_t block) {
    first_ = block * l_.block_tiles;
    tiles_ = std::min(l_.block_tiles, l_.tiles - first_);
    for (size_t i = 0; i < tiles_; ++i)
      transform_patch(l_.place_of(first_ + i), v_ + i * l_.input_step);
  }

  // From V to the outputs of a panel.
  void finish(size_t panel) const {
    const std::byte* packed = packed_ + panel * l_.panel_bytes();
    const auto* weights = reinterpret_cast<const int16_t*>(packed + l_.header_bytes());
    for (size_t p = 0; p < l_.positions; ++p)
      multiply_({.v = v_ + p * l_.v_plane,
                 .v_step = l_.input_step,
                 .weights = weights + p * l_.position_bytes() / sizeof(int16_t),
                 .pairs = l_.pairs,
                 .m = m_ + p * l_.m_plane},
                tiles_);
    const size_t first = l_.first_channel(panel);
    direct::TileArgs<uint8_t> args{};  // what storing reads
    args.panel = packed;
    args.y_stride = g_.out_c;
    args.columns = std::min(l_.width, g_.out_c - first);
    args.range = params_.range;
    for (size_t i = 0; i < tiles_; ++i) {
      const winograd::Place at = l_.place_of(first_ + i);
      store_tile(args, m_ + i * kWidth, at,
                 y_ + ((at.n * g_.out_h + at.oy) * g_.out_w + at.ox) * g_.out_c + first);
    }
  }

 private:
  void transform_patch(const winograd::Place& at, int16_t* v) const {
    const size_t iy = at.oy - g_.pad_top, ix = at.ox - g_.pad_left;  // may wrap around
    const bool inside = iy < g_.in_h && g_.in_h - iy >= F::kIn && ix < g_.in_w &&
                        g_.in_w - ix >= F::kIn && g_.in_c == l_.input_step;
    const uint8_t* from = patch_;
    size_t row_step = F::kIn * l_.input_step;
    if (inside) {
      from = x_ + ((at.n * g_.in_h + iy) * g_.in_w + ix) * g_.in_c;
      row_step = g_.in_w * g_.in_c;
    } else {
      copy_patch(at.n, iy, ix);
    }
    for (size_t c = 0; c < l_.input_step; c += kInputLanes)
      transform_input<F>(from + c, row_step, l_.input_step, v + c, l_.v_plane);
  }

  // For patches that stick out of the image, and channels that do not fill vectors: those beyond
  // the last have no weights.
  void copy_patch(size_t n, size_t iy, size_t ix) const {
    uint8_t* to = patch_;
    for (size_t i = 0; i < F::kIn; ++i)
      for (size_t j = 0; j < F::kIn; ++j, to += l_.input_step) {
        if (iy + i < g_.in_h && ix + j < g_.in_w)
          std::memcpy(to, x_ + ((n * g_.in_h + iy + i) * g_.in_w + ix + j) * g_.in_c, g_.in_c);
        else
          std::memset(to, params_.x_zero_point, g_.in_c);
      }
  }

  // The sums at m, whose positions are a plane apart, to y.
  void store_tile(const direct::TileArgs<uint8_t>& args, const int32_t* m,
                  const winograd::Place& at, uint8_t* y) const {
    const D32 d;
    V32 columns[kPanelVectors][F::kOut][F::kIn], row[F::kIn], t[F::kIn];
    OCTET_UNROLL
    for (int j = 0; j < kPanelVectors; ++j) OCTET_UNROLL
    for (int c = 0; c < F::kIn; ++c) {
      OCTET_UNROLL
      for (int i = 0; i < F::kIn; ++i)
        row[i] = hn::Load(d, m + (i * F::kIn + c) * l_.m_plane + j * kLanes);
      F::output(row, t);
      OCTET_UNROLL
      for (int i = 0; i < F::kOut; ++i) columns[j][i][c] = t[i];
    }
    const size_t rows = std::min<size_t>(g_.out_h - at.oy, F::kOut);
    const size_t pixels = std::min<size_t>(g_.out_w - at.ox, F::kOut);
    for (size_t i = 0; i < rows; ++i, y += g_.out_w * g_.out_c) {
      direct::Tile<direct::Sums<Dot::portable, F::kOut, kPanelVectors, false>, uint8_t> tile;
      OCTET_UNROLL
      for (int j = 0; j < kPanelVectors; ++j) {
        const V32 bias = hn::LoadU(d, reinterpret_cast<const int32_t*>(args.panel) + j * kLanes);
        F::output(columns[j][i], t);
        OCTET_UNROLL
        for (int p = 0; p < F::kOut; ++p) tile.acc[p][j] = hn::Add(unscale<F>(t[p]), bias);
      }
      tile.store(args, y, pixels);
    }
  }

  const Params& params_;
  const Conv2dGeometry& g_;
  const Layout& l_;
  const std::byte* packed_;
  const Multiply multiply_ = choose_multiply();
  const uint8_t* x_;
  uint8_t* y_;
  int16_t* v_;
  int32_t* m_;
  uint8_t* patch_;
  size_t first_ = 0, tiles_ = 0;  // of the block
};

void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) {
  const Layout l = layout_of(params);
  with_transform(l.m, [&](auto transform) {
    Block<decltype(transform)> block(params, l, packed, x, y, workspace);
    l.run(block, begin, end);
  });
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace octet::kernels::winograd_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::winograd_u8s8 {

HWY_EXPORT(packed_bytes);
HWY_EXPORT(pack);
HWY_EXPORT(work);
HWY_EXPORT(cost);
HWY_EXPORT(run);

bool is_supported(const Conv2dGeometry& geometry) noexcept {
  return winograd::is_supported(geometry);
}

bool fits(const Params& params) noexcept {
  const Conv2dGeometry& g = params.geometry;
  const int64_t limit = int64_t{1} << (params.tile == 4 ? 25 : 29);
  const size_t taps = g.taps();
  for (size_t o = 0; o < g.out_c; ++o) {
    int64_t above = 0, below = 0;
    for (size_t k = 0; k < taps; ++k) {
      const int64_t w = params.weight[o * taps + k];
      (w > 0 ? above : below) += w;
    }
    if (std::max(above, -below) * 255 >= limit) return false;
  }
  return true;
}

// Measured on Zen 5 (winograd_u8s8_bench): 1.6 to 3.7 times as fast where these hold, with VNNI 1.1
// to 1.6 times.
size_t best_tile(const Params& params) noexcept {
  const Conv2dGeometry& g = params.geometry;
  const Dot dot = current_target().dot;
  if (!is_supported(g) || (dot != Dot::portable && dot != Dot::vnni)) return 0;
  if (current_target().highway == HWY_SCALAR) return 0;
  // VNNI multiplies bytes twice as fast as pairs of 16 bits, which leaves less to gain.
  const bool vnni = dot == Dot::vnni;
  // Fewer do not fill the vectors, and transforms cost as much as some channels.
  const size_t least_channels = vnni ? 32 : 8;
  if (std::min(g.in_c, g.out_c) < least_channels) return 0;
  const size_t least = winograd::fewest_products(g);
  Params with_tile = params;
  for (const size_t m : {least, 6 - least}) {
    with_tile.tile = m;
    // Images that leave much of their last tiles empty.
    const size_t products = winograd::products(g, m), direct = 9 * g.out_h * g.out_w;
    if (vnni ? 3 * products > direct : 12 * products > 7 * direct) continue;
    // Weights grow, too, to (m + 2)^2 / 9 times their 16 bits: reading them for few tiles takes the
    // time that multiplications no longer do.
    constexpr size_t kCachedWeights = 256 * 1024;
    const size_t tiles = g.batch * divide_up(g.out_h, m) * divide_up(g.out_w, m);
    const bool cached = (m + 2) * (m + 2) * g.in_c * g.out_c <= kCachedWeights;
    if (vnni ? tiles < 16 : tiles < 4 && !cached) continue;
    if (fits(with_tile)) return m;
  }
  return 0;
}

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(packed_bytes)(params);
}

void pack(const Params& params, void* packed) noexcept {
  OCTET_DCHECK(is_supported(params.geometry) && fits(params));
  HWY_DYNAMIC_DISPATCH(pack)(params, packed);
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(cost)(params); }

void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  HWY_DYNAMIC_DISPATCH(run)(params, packed, x, y, workspace, begin, end);
}

}  // namespace octet::kernels::winograd_u8s8
#endif  // HWY_ONCE
