// Reading order: conv_u8s8_pack.h (the layer as a matrix product, packed weights),
// conv_u8s8_gather.h (where rows come from), igemm_u8s8-inl.h (the register tile),
// igemm_u8s8_store-inl.h (sums to output), igemm_u8s8_panel-inl.h (tiles down a panel), then the
// loops around them here.
#include "kernels/conv_u8s8.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_u8s8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv_u8s8_gather.h"
#include "kernels/conv_u8s8_pack-inl.h"
#include "kernels/igemm_u8s8_panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_u8s8::HWY_NAMESPACE {

Layout conv_layout(const Params& params) {
  const size_t parts = with_dot([](auto dot) -> size_t { return kDotParts<decltype(dot)::value>; });
  return Layout(params, kTileLanes, parts, kPanelVectors, kWholePanels);
}

// How the output is cut: into tasks, by pixels or, when these are few, by panels; and by pixels
// into blocks, which the pointer table covers.
struct Plan {
  const Layout layout;
  size_t unit;         // pixels that stay together: a line of a copied layout, else 1
  size_t units;        // in all images
  size_t block_units;  // of a block
  size_t panels;       // of all groups
  bool by_panels;
  size_t tasks;

  explicit Plan(const Params& params) : layout(conv_layout(params)) {
    const Conv2dGeometry& g = params.geometry;
    unit = layout.copied ? g.out_w : 1;
    units = g.batch * g.out_h * g.out_w / unit;
    panels = layout.panels * g.groups;
    // A block's input stays in the first or second cache while panel after panel passes over it.
    // Weights that do not fit beside it there are worth larger blocks: fewer passes.
    const size_t weight_bytes = g.out_c * layout.taps * layout.quads * 4;
    const size_t input_bytes = weight_bytes > (size_t{1} << 19) ? 192 << 10 : 64 << 10;
    const size_t pixels = std::clamp<size_t>(input_bytes / g.in_c, 48, 192);
    block_units = std::max<size_t>(1, pixels / unit);
    // 1 M multiply-adds are 3 to 12 us; 256 KB of weights about 5. A thread takes several tasks at
    // once and runs them as one.
    by_panels = units * unit <= 64 && panels > 1;
    const size_t work = std::max(g.macs() >> 20, by_panels ? weight_bytes >> 18 : 0);
    tasks = units == 0
                ? 0
                : std::clamp<size_t>(work, 1, std::min<size_t>(by_panels ? panels : units, 64));
  }

  size_t block_pixels() const { return block_units * unit; }
  size_t table_stride() const { return block_pixels() + kTableSlack; }
  size_t table_bytes() const { return align_up(layout.taps * table_stride() * sizeof(uint8_t*)); }
  size_t workspace_bytes(const Conv2dGeometry& g) const {
    return table_bytes() + (layout.copied ? CopiedLines(g, layout, block_units).bytes() : 0);
  }
};

// The pointer table of one block of pixels and one group. x: first channel of the group.
HWY_NOINLINE void fill_table(const Params& params, const Plan& plan, const void* packed,
                             const uint8_t* x, void* workspace, size_t first, size_t count) {
  const Layout& layout = plan.layout;
  const auto table = static_cast<const uint8_t**>(workspace);
  const size_t stride = plan.table_stride();
  if (layout.copied)
    gather_copied(params, layout, x, first, count, table, stride,
                  static_cast<uint8_t*>(workspace) + plan.table_bytes());
  else
    gather_whole(params.geometry, x, static_cast<const uint8_t*>(packed), first, count, table,
                 stride);
  for (size_t t = 0; t < layout.taps; ++t)
    std::fill_n(table + t * stride + count, kTableSlack, table[t * stride + count - 1]);
}

// One block of pixels, panels [begin, end) of all groups. Y: uint8_t or float.
template <Dot kDot, class Y>
void run_block(const Params& params, const Plan& plan, const void* packed, const uint8_t* x, Y* y,
               void* workspace, size_t first, size_t count, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  const Layout& layout = plan.layout;
  const size_t tail = layout.copied ? 0 : layout.tap_bytes % 4;
  for (size_t p = begin; p < end; ++p) {
    const size_t group = p / layout.panels, panel = p % layout.panels;
    if (p == begin || panel == 0)
      fill_table(params, plan, packed, x + group * layout.channels, workspace, first, count);
    const size_t column = layout.first_vector(panel) * layout.lanes;
    const size_t vectors = layout.panel_vectors(panel);
    const TileArgs<Y> args{.pixels = static_cast<const uint8_t**>(workspace),
                           .pixel_stride = plan.table_stride(),
                           .pixel_count = count,
                           .taps = layout.taps,
                           .quads = tail ? layout.quads - 1 : layout.quads,
                           .tail = tail,
                           .panel = layout.panel(packed, group, panel),
                           .y = y + first * g.out_c + group * layout.columns + column,
                           .y_stride = g.out_c,
                           .columns = std::min(vectors * layout.lanes, layout.columns - column),
                           .range = params.range};
    run_panel<kDot>(args, vectors, layout.paired);
  }
}

size_t conv_packed_bytes(const Params& params) {
  return conv_layout(params).packed_bytes(params.geometry.groups);
}

size_t conv_pack_tasks(const Params& params) {
  return params.geometry.groups * conv_layout(params).panels;
}

void conv_pack_part(const Params& params, void* packed, size_t begin, size_t end) {
  pack_panels(params, conv_layout(params), packed, begin, end);
}

Work conv_work(const Params& params) {
  const Plan plan(params);
  return {plan.tasks, plan.workspace_bytes(params.geometry)};
}

// Calls f(first pixel, pixels) for the blocks of units [unit, last_unit).
template <class F>
void for_each_block(const Plan& plan, size_t out_h, size_t unit, size_t last_unit, const F& f) {
  while (unit < last_unit) {
    // Equal blocks, and in copied layouts none that spans two images.
    size_t rest = last_unit - unit;
    if (plan.layout.copied) rest = std::min(rest, out_h - unit % out_h);
    const size_t blocks = (rest + plan.block_units - 1) / plan.block_units;
    const size_t units = (rest + blocks - 1) / blocks;
    f(unit * plan.unit, units * plan.unit);
    unit += units;
  }
}

template <class Y>
void run_tasks(const Params& params, const void* packed, const uint8_t* x, Y* y, void* workspace,
               size_t begin, size_t end) {
  const Plan plan(params);
  if (begin >= end) return;
  size_t unit = 0, last_unit = plan.units, panel = 0, last_panel = plan.panels;
  (plan.by_panels ? panel : unit) =
      (plan.by_panels ? plan.panels : plan.units) * begin / plan.tasks;
  (plan.by_panels ? last_panel : last_unit) =
      (plan.by_panels ? plan.panels : plan.units) * end / plan.tasks;
  for_each_block(plan, params.geometry.out_h, unit, last_unit, [&](size_t first, size_t count) {
    with_dot([&](auto dot) {
      run_block<decltype(dot)::value>(params, plan, packed, x, y, workspace, first, count, panel,
                                      last_panel);
    });
  });
}

[[gnu::cold]] Cost conv_cost(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Plan plan(params);
  const Layout& l = plan.layout;
  const auto block_slots = [&](size_t pixels) {
    double slots = static_cast<double>(l.taps * pixels);  // a pointer each
    for (size_t panel = 0; panel < l.panels; ++panel)
      slots += with_dot([&](auto dot) {
        return panel_slots<decltype(dot)::value>(pixels, l.taps * l.quads, l.panel_vectors(panel),
                                                 l.paired);
      });
    return slots * static_cast<double>(g.groups);
  };
  Cost cost{.weight_bytes = static_cast<double>(l.packed_bytes(g.groups)), .weight_passes = 0};
  for_each_block(plan, g.out_h, 0, plan.units, [&](size_t, size_t count) {
    cost.slots += block_slots(count);
    ++cost.weight_passes;
  });
  return cost;
}

void conv_run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y,
              void* workspace, size_t begin, size_t end) {
  run_tasks(params, packed, x, y, workspace, begin, end);
}

void conv_run_f32(const Params& params, const void* packed, const uint8_t* x, float* y,
                  void* workspace, size_t begin, size_t end) {
  run_tasks(params, packed, x, y, workspace, begin, end);
}

}  // namespace octet::kernels::conv_u8s8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::conv_u8s8 {

HWY_EXPORT(conv_packed_bytes);
HWY_EXPORT(conv_pack_tasks);
HWY_EXPORT(conv_pack_part);
HWY_EXPORT(conv_work);
HWY_EXPORT(conv_cost);
HWY_EXPORT(conv_run);
HWY_EXPORT(conv_run_f32);

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(conv_packed_bytes)(params);
}

size_t pack_tasks(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(conv_pack_tasks)(params);
}

void pack_part(const Params& params, void* packed, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(conv_pack_part)(params, packed, begin, end);
}

void pack(const Params& params, void* packed) noexcept {
  pack_part(params, packed, 0, pack_tasks(params));
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(conv_work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(conv_cost)(params); }

void run(const Params& params, const void* packed, const uint8_t* x, uint8_t* y, void* workspace,
         size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(conv_run)(params, packed, x, y, workspace, begin, end);
}

void run_f32(const Params& params, const void* packed, const uint8_t* x, float* y, void* workspace,
             size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(conv_run_f32)(params, packed, x, y, workspace, begin, end);
}

}  // namespace octet::kernels::conv_u8s8
#endif  // HWY_ONCE
