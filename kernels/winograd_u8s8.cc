// Start reading at winograd_tiles.h (how the work is cut), winograd_u8s8_layout.h (what lies
// where), winograd_transform-inl.h and winograd_block-inl.h (from the image to U),
// winograd_u8s8_product-inl.h and winograd_u8s8_pack-inl.h; outputs are stored as those of
// conv_u8s8. Here: from U to the output.
#include "kernels/winograd_u8s8.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/winograd_u8s8_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_u8s8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/igemm_u8s8_store-inl.h"
#include "kernels/winograd_block-inl.h"
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

[[gnu::cold]] size_t packed_bytes(const Params& params) {
  const Layout l = layout_of(params);
  return l.panels * l.panel_bytes();
}

[[gnu::cold]] void pack(const Params& params, void* packed) {
  const Layout l = layout_of(params);
  const PackChunk chunk = l.m == 4 ? &pack_chunk<F4> : &pack_chunk<F2>;
  for (size_t panel = 0; panel < l.panels; ++panel)
    pack_panel(params, l, chunk, panel, static_cast<std::byte*>(packed) + panel * l.panel_bytes());
}

[[gnu::cold]] Work work(const Params& params) {
  const Layout l = layout_of(params);
  return {l.tasks(), l.workspace_bytes()};
}

[[gnu::cold]] Cost cost(const Params& params) {
  const Layout l = layout_of(params);
  const auto count = [](size_t n) { return static_cast<double>(n); };
  double slots = 0;  // of a block
  with_transform<F4, F2>(l.m, [&](auto transform) {
    using F = decltype(transform);
    slots = count(l.block_tiles * l.input_step / kInputLanes) *
                transform_slots<typename F::Input, int16_t>() +
            count(l.block_tiles * l.panels * kPanelVectors) * output_slots<F>();
  });
  with_dot([&](auto dot) {
    slots += count(l.positions() * l.panels) *
             multiply_slots<decltype(dot)::value>(l.block_tiles, l.pairs);
  });
  return l.cost(slots, l.panels * l.panel_bytes());
}

template <class F>
using Input = winograd::HWY_NAMESPACE::Block<F, DInput, uint8_t, int32_t, 0>;

template <class F>
class Block : public Input<F> {
 public:
  Block(const Params& params, const Layout& l, const void* packed, const uint8_t* x, uint8_t* y,
        void* workspace)
      : Input<F>(params.geometry, l, x, static_cast<uint8_t>(params.x_zero_point), workspace),
        params_(params),
        l_(l),
        packed_(static_cast<const std::byte*>(packed)),
        y_(y) {}

  // From U to the outputs of a panel.
  void finish(size_t panel) const {
    const std::byte* packed = packed_ + panel * l_.panel_bytes();
    const auto* weights = reinterpret_cast<const int16_t*>(packed + l_.header_bytes());
    for (size_t p = 0; p < l_.positions(); ++p)
      multiply_({.u = u_ + p * l_.u_plane,
                 .u_step = l_.input_step,
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
      const auto to = this->output_of(this->place_of(i));
      store_tile(args, m_ + i * kWidth, to.rows, static_cast<size_t>(to.columns),
                 y_ + to.first + first);
    }
  }

 private:
  using Input<F>::g_, Input<F>::u_, Input<F>::m_, Input<F>::tiles_;

  // The sums at m, whose positions are a plane apart, to the first rows and pixels of a tile at y.
  void store_tile(const direct::TileArgs<uint8_t>& args, const int32_t* m, int rows, size_t pixels,
                  uint8_t* y) const {
    using Axis = typename F::Output;
    const D32 d;
    V32 columns[kPanelVectors][F::kOut][F::kIn], t[F::kOut];
    OCTET_UNROLL
    for (int j = 0; j < kPanelVectors; ++j)
      transform_columns<Axis>(
          [&](int i, int c) HWY_ATTR __attribute__((always_inline)) {
            return hn::Load(d, m + (i * F::kIn + c) * l_.m_plane + j * kLanes);
          },
          columns[j]);
    for (int i = 0; i < std::min(rows, F::kOut); ++i, y += g_.out_w * g_.out_c) {
      direct::Tile<direct::Sums<Dot::portable, F::kOut, kPanelVectors, false>, uint8_t> tile;
      OCTET_UNROLL
      for (int j = 0; j < kPanelVectors; ++j) {
        const V32 bias = hn::LoadU(d, reinterpret_cast<const int32_t*>(args.panel) + j * kLanes);
        Axis::apply(columns[j][i], t);
        OCTET_UNROLL
        for (int p = 0; p < F::kOut; ++p) tile.acc[p][j] = hn::Add(unscale<F>(t[p]), bias);
      }
      tile.store(args, y, pixels);
    }
  }

  const Params& params_;
  const Layout& l_;
  const std::byte* const packed_;
  const Multiply multiply_ = choose_multiply();
  uint8_t* const y_;
};

void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) {
  const Layout l = layout_of(params);
  with_transform<F4, F2>(l.m, [&](auto transform) {
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
    const size_t tiles = winograd::grid_of(g, m).tiles;
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
