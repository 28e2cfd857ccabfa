// A task takes its rows in blocks: it quantizes them into its workspace and multiplies them by
// panel after panel of weights. Where rows are few the panels are shared out instead, and each
// task quantizes the same rows for itself: that costs less than to wait for one another.
//
// Columns go in vectors, vectors in panels as wide as the register tile of conv_u8s8
// (igemm_u8s8-inl.h), the last one filled up with zeros. A panel of `width` columns, in the order
// in which a tile reads it, so that a single row reads all weights in one stream:
//
//   minus_sum s32 [width] | weights s8 [quads][width][4] | weight_scale f32 [width] | bias f32
//   [width]
#include "kernels/dynamic_rows.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"
#include "kernels/dynamic_rows_ref.h"
#include "kernels/quantize.h"
#include "kernels/quantize_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dynamic_rows.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/clamp-inl.h"
#include "kernels/igemm_u8s8-inl.h"
#include "kernels/pack-inl.h"
#include "kernels/requantize-inl.h"
#include "kernels/store_first-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::dynamic_rows::HWY_NAMESPACE {
namespace {
using namespace octet::kernels::HWY_NAMESPACE;
using conv_u8s8::HWY_NAMESPACE::kTileLanes;
using conv_u8s8::HWY_NAMESPACE::Sums;

// Sizes of tiles: see igemm_u8s8_panel-inl.h.
#if OCTET_IS_AVX2 || OCTET_IS_SSE
constexpr int kVectors = 2;
#else
constexpr int kVectors = 4;
#endif
constexpr size_t kWidth = kVectors * kTileLanes;
constexpr size_t kStep = kWidth * 4;  // bytes of a panel per quad

template <Dot kDot>
constexpr int highest_tile() {
  if (HWY_TARGET == HWY_SCALAR) return 2;
  return kDot != Dot::portable ? 6 : 4;
}

struct Plan {
  size_t quads;  // of a row, filled up with zeros
  size_t panels;
  size_t block_rows;
  bool by_panels;
  size_t tasks;

  explicit Plan(const Params& params) {
    quads = (params.inputs + 3) / 4;
    panels = (params.outputs + kWidth - 1) / kWidth;
    // A block stays in the second cache while panels pass over it.
    const size_t fitting = std::clamp<size_t>((size_t{128} << 10) / row_bytes(), 12, 96);
    block_rows = std::max<size_t>(1, std::min(params.rows, fitting));
    // Tasks of 4 M multiply-adds or 256 KB of weights, as in conv_u8s8.
    by_panels = params.rows <= 64 && panels > 1;
    const size_t macs = params.rows * params.inputs * params.outputs;
    const size_t pieces = std::max(macs >> 22, by_panels ? panels * panel_bytes() >> 18 : 0);
    const size_t most = std::min<size_t>(by_panels ? panels : params.rows, 64);
    tasks = params.rows == 0 ? 0 : std::clamp<size_t>(pieces, 1, most);
  }

  size_t row_bytes() const { return quads * 4; }
  size_t panel_bytes() const { return (quads + 3) * kStep; }
  size_t block_bytes() const { return align_up(block_rows * row_bytes()); }
};

// Quantized rows and how to read them.
struct Block {
  size_t rows;
  uint8_t* q;  // [rows][row_bytes]
  QParams* qparams;

  Block(const Plan& plan, void* workspace)
      : rows(0),
        q(static_cast<uint8_t*>(workspace)),
        qparams(reinterpret_cast<QParams*>(q + plan.block_bytes())) {}

  // `count` rows of x, f32 or u8.
  template <class X>
  void load(const Params& params, const Plan& plan, const X* x, size_t count) {
    rows = count;
    const size_t n = params.inputs;
    for (size_t i = 0; i < count; ++i, x += n) {
      uint8_t* row = q + i * plan.row_bytes();
      qparams[i] = load_row(params, x, row);
      std::memset(row + n, 0, plan.row_bytes() - n);
    }
  }

 private:
  static QParams load_row(const Params& params, const float* x, uint8_t* row) {
    float min, max;
    quantize_rows::range({x, 1, params.inputs}, &min, &max, 0, 1);
    const QParams qparams = ref::dynamic_rows::row_qparams(min, max);
    quantize::quantize(x, row, params.inputs, qparams);
    return qparams;
  }
  static QParams load_row(const Params& params, const uint8_t* x, uint8_t* row) {
    std::memcpy(row, x, params.inputs);
    return params.x;
  }
};

// A block times a panel.
struct PanelArgs {
  const Block& block;
  size_t quads;
  const std::byte* panel;
  float* y;  // row 0, first column of the panel
  size_t y_stride;
  size_t columns;  // that exist
  float lo, hi;
};

template <Dot kDot, int kRows>
struct Tile : Sums<kDot, kRows, kVectors, false> {
  using Base = Sums<kDot, kRows, kVectors, false>;
  using Base::acc;

  HWY_INLINE Tile() {}

  HWY_INLINE void sum(const PanelArgs& args, size_t first) {
    const D32 d;
    const auto* minus_sum = reinterpret_cast<const int32_t*>(args.panel);
    const uint8_t* a[kRows];
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i) {
      a[i] = args.block.q + (first + i) * 4 * args.quads;
      const V32 zero_point =
          hn::Set(d, args.block.qparams[first + i].zero_point - kInputOffset<kDot>);
      OCTET_UNROLL
      for (int j = 0; j < kVectors; ++j)
        acc[i][j] = hn::Mul(hn::LoadU(d, minus_sum + j * kTileLanes), zero_point);
    }
    const std::byte* weights = args.panel + kStep;
    for (size_t k = 0; k < args.quads; ++k, weights += kStep)
      Base::template step<false>(weights, a, k, 0);
  }

  HWY_INLINE void store(const PanelArgs& args, size_t first) const {
    const DF d;
    const std::byte* end = args.panel + (1 + args.quads) * kStep;
    const auto* weight_scale = reinterpret_cast<const float*>(end);
    const auto* bias = reinterpret_cast<const float*>(end + kStep);
    const QParams* qparams = args.block.qparams + first;
    // Copies: what args holds would have to be read again after every store to y.
    const float lo = args.lo, hi = args.hi;
    const size_t y_stride = args.y_stride, columns = args.columns;
    const bool whole = HWY_LIKELY(columns == kWidth);
    float* y = args.y + first * y_stride;
    OCTET_UNROLL
    for (int i = 0; i < kRows; ++i, y += y_stride) {
      const VF scale = hn::Set(d, qparams[i].scale);
      OCTET_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        const size_t done = j * kTileLanes;
        const VF factor = hn::Mul(scale, hn::LoadU(d, weight_scale + done));
        const VF scaled = scale_to_f32(acc[i][j], factor);
        const VF v = clamp_vector(d, hn::Add(scaled, hn::LoadU(d, bias + done)), lo, hi);
        if (whole || done + kTileLanes <= columns) {
          hn::StoreU(v, d, y + done);
        } else if (done < columns) {
          store_first(v, y + done, columns - done);
        }
      }
    }
  }
};

// As many tiles of that height as there is room for; the row after them.
template <Dot kDot, int kRows>
HWY_NOINLINE size_t run_tiles(const PanelArgs& args, size_t first) {
  if constexpr (kRows <= highest_tile<kDot>()) {
    for (; first + kRows <= args.block.rows; first += kRows) {
      Tile<kDot, kRows> tile;
      tile.sum(args, first);
      tile.store(args, first);
    }
  }
  return first;
}

template <Dot kDot>
void run_panels(const Params& params, const Plan& plan, const void* packed, const Block& block,
                float* y, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    const size_t p = params.backward ? begin + end - 1 - i : i;
    const size_t column = p * kWidth;
    const PanelArgs args{
        block,      plan.quads,     static_cast<const std::byte*>(packed) + p * plan.panel_bytes(),
        y + column, params.outputs, std::min(kWidth, params.outputs - column),
        params.lo,  params.hi};
    size_t first = run_tiles<kDot, 6>(args, 0);
    first = run_tiles<kDot, 5>(args, first);
    first = run_tiles<kDot, 4>(args, first);
    first = run_tiles<kDot, 2>(args, first);
    run_tiles<kDot, 1>(args, first);
  }
}

void pack_panel(const Params& params, const Plan& plan, size_t p, std::byte* panel) {
  const size_t first = p * kWidth, count = std::min(kWidth, params.outputs - first);
  const size_t n = params.inputs, whole = n / 4, tail = n % 4;
  std::memset(panel, 0, plan.panel_bytes());
  std::byte* quads = panel + kStep;
  std::byte* end = quads + plan.quads * kStep;
  std::memcpy(end, params.weight_scale + first, count * sizeof(float));
  std::memcpy(end + kStep, params.bias + first, count * sizeof(float));
  const int8_t* w = params.weight + first * n;
  transpose_words(w, n, count, whole, quads, kStep);
  for (size_t c = 0; c < count && tail != 0; ++c)
    std::memcpy(quads + whole * kStep + 4 * c, w + c * n + 4 * whole, tail);
  with_dot([&](auto dot) {
    fold_zero_point<decltype(dot)::value>(1, quads, plan.quads, kWidth, panel);
  });
}

size_t rows_packed_bytes(const Params& params) {
  const Plan plan(params);
  return plan.panels * plan.panel_bytes();
}

void rows_pack(const Params& params, void* packed) {
  const Plan plan(params);
  for (size_t p = 0; p < plan.panels; ++p)
    pack_panel(params, plan, p, static_cast<std::byte*>(packed) + p * plan.panel_bytes());
}

Work rows_work(const Params& params) {
  const Plan plan(params);
  return {plan.tasks, plan.block_bytes() + plan.block_rows * sizeof(QParams)};
}

// Rows in tiles of the highest height, as if these were always full.
[[gnu::cold]] Cost rows_cost(const Params& params) {
  const Plan plan(params);
  const double rows = static_cast<double>(params.rows), quads = static_cast<double>(plan.quads);
  const double tile_slots = with_dot([&](auto dot) {
    constexpr Dot kDot = decltype(dot)::value;
    const double height = std::min<double>(rows, highest_tile<kDot>());
    const Instructions step =
        conv_u8s8::HWY_NAMESPACE::step_instructions<kDot>(height, kVectors, 1, false);
    const double per_row = (quads * step.slots() + (height * kVectors * kClamp).slots()) / height;
    return per_row * static_cast<double>(plan.panels);
  });
  const double quantize = quads * 4 / kTileLanes * kRequantize.slots();
  return {.slots = rows * (tile_slots + quantize),
          .weight_bytes = static_cast<double>(rows_packed_bytes(params)),
          .weight_passes = static_cast<double>(divide_up(params.rows, plan.block_rows))};
}

template <class X>
void run_rows(const Params& params, const void* packed, const X* x, float* y, void* workspace,
              size_t begin, size_t end) {
  const Plan plan(params);
  if (begin >= end) return;
  size_t row = 0, last_row = params.rows, panel = 0, last_panel = plan.panels;
  (plan.by_panels ? panel : row) =
      (plan.by_panels ? plan.panels : params.rows) * begin / plan.tasks;
  (plan.by_panels ? last_panel : last_row) =
      (plan.by_panels ? plan.panels : params.rows) * end / plan.tasks;
  Block block(plan, workspace);
  for (; row < last_row; row += block.rows) {
    block.load(params, plan, x + row * params.inputs, std::min(plan.block_rows, last_row - row));
    with_dot([&](auto dot) {
      run_panels<decltype(dot)::value>(params, plan, packed, block, y + row * params.outputs, panel,
                                       last_panel);
    });
  }
}

void rows_run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
              size_t begin, size_t end) {
  run_rows(params, packed, x, y, workspace, begin, end);
}

void rows_run_u8(const Params& params, const void* packed, const uint8_t* q, float* y,
                 void* workspace, size_t begin, size_t end) {
  run_rows(params, packed, q, y, workspace, begin, end);
}

}  // namespace
}  // namespace octet::kernels::dynamic_rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::dynamic_rows {

HWY_EXPORT(rows_packed_bytes);
HWY_EXPORT(rows_pack);
HWY_EXPORT(rows_work);
HWY_EXPORT(rows_cost);
HWY_EXPORT(rows_run);
HWY_EXPORT(rows_run_u8);

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(rows_packed_bytes)(params);
}

void pack(const Params& params, void* packed) noexcept {
  HWY_DYNAMIC_DISPATCH(rows_pack)(params, packed);
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(rows_work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(rows_cost)(params); }

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(rows_run)(params, packed, x, y, workspace, begin, end);
}

void run_u8(const Params& params, const void* packed, const uint8_t* q, float* y, void* workspace,
            size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(rows_run_u8)(params, packed, q, y, workspace, begin, end);
}

}  // namespace octet::kernels::dynamic_rows
#endif  // HWY_ONCE
