// Start reading at conv_f32_layout.h (what is packed, how the output is cut), conv_f32_rows-inl.h
// (where inputs lie) and conv_f32_tile-inl.h (the inner loop); here: packing, the loops.
#include "kernels/conv_f32.h"

#include <algorithm>
#include <limits>

#include "base/buffer.h"
#include "base/check.h"
#include "kernels/conv_f32_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_f32.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv_f32_rows-inl.h"
#include "kernels/conv_f32_tile-inl.h"
#include "kernels/pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_f32::HWY_NAMESPACE {

Layout layout_of(const Conv2dGeometry& g) {
  return make_layout(g, kLanes, kPanelVectors, kTileRows);
}

size_t packed_bytes(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = layout_of(g);
  return align_up((l.zeros_offset(g.groups) + l.zeros(g.in_c)) * sizeof(float));
}

Work work(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = layout_of(g);
  return {l.row_tasks() * l.panel_tasks(g.groups), l.workspace_bytes()};
}

[[gnu::cold]] Cost cost(const Params& params) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = layout_of(g);
  Cost cost{.weight_bytes = static_cast<double>(HWY_NAMESPACE::packed_bytes(params)),
            .weight_passes = static_cast<double>(divide_up(l.rows, l.block_rows))};
  const auto block_slots = [&](size_t rows) {
    double slots = static_cast<double>(l.taps * rows);  // a pointer each
    for (size_t panel = 0; panel < l.panels_per_group; ++panel) {
      const size_t vectors = l.vectors_of(panel);
      const size_t column = panel * l.panel_vectors * l.lanes;
      const Panel kind = panel_of(vectors, std::min(vectors * l.lanes, l.group_out - column));
      const size_t most = std::min(tiles_for(kind).most_rows, l.most_rows);
      slots += static_cast<double>(g.groups) * TileRows(rows, most).slots(vectors, l.inputs());
    }
    return slots;
  };
  const size_t blocks = l.rows / l.block_rows, rest = l.rows % l.block_rows;
  if (blocks != 0) cost.slots += static_cast<double>(blocks) * block_slots(l.block_rows);
  if (rest != 0) cost.slots += block_slots(rest);
  return cost;
}

WeightStrides dense_strides(const Conv2dGeometry& g) {
  const ptrdiff_t in_c = static_cast<ptrdiff_t>(g.in_c / g.groups);
  const ptrdiff_t row = static_cast<ptrdiff_t>(g.kernel_w) * in_c;
  const ptrdiff_t out_c = static_cast<ptrdiff_t>(g.kernel_h) * row;
  return {static_cast<ptrdiff_t>(g.out_c / g.groups) * out_c, out_c, row, in_c, 1};
}

bool is_dense(const WeightStrides& s) {
  return !(s.group || s.out_c || s.kernel_h || s.kernel_w || s.in_c);
}

// The weights of some outputs, the first of which are at w: a row of `columns` for every k.
void pack_rows(const Conv2dGeometry& g, const WeightStrides& s, const float* w, size_t columns,
               float* to, size_t width) {
  for (size_t ky = 0; ky < g.kernel_h; ++ky)
    for (size_t kx = 0; kx < g.kernel_w; ++kx)
      for (size_t c = 0; c < g.in_c / g.groups; ++c, to += width) {
        const float* from = w + static_cast<ptrdiff_t>(ky) * s.kernel_h +
                            static_cast<ptrdiff_t>(kx) * s.kernel_w +
                            static_cast<ptrdiff_t>(c) * s.in_c;
        if (s.out_c == 1) {
          std::copy_n(from, columns, to);
        } else {
          for (size_t j = 0; j < columns; ++j) to[j] = from[static_cast<ptrdiff_t>(j) * s.out_c];
        }
      }
}

// Outputs [first, first + count) of a group to the columns from `to` on of a panel of `width`.
void pack_columns(const Params& params, const Layout& l, size_t group, size_t first, size_t count,
                  size_t width, float* to) {
  const Conv2dGeometry& g = params.geometry;
  if (params.bias)
    std::copy_n(params.bias + group * l.group_out + first, count, to);
  else
    std::fill_n(to, count, 0.0f);
  const bool dense = is_dense(params.weight_strides);
  const WeightStrides s = dense ? dense_strides(g) : params.weight_strides;
  const float* w = params.weight + static_cast<ptrdiff_t>(group) * s.group +
                   static_cast<ptrdiff_t>(first) * s.out_c;
  if (dense)
    transpose_words(w, l.inputs() * sizeof(float), count, l.inputs(), to + width,
                    width * sizeof(float));
  else
    pack_rows(g, s, w, count, to + width, width);
}

size_t pack_tasks(const Params& params) {
  return layout_of(params.geometry).panels(params.geometry.groups);
}

void pack_part(const Params& params, void* packed, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = layout_of(g);
  for (size_t panel = begin; panel < end; ++panel) {
    float* to = static_cast<float*>(packed) + l.panel_offset(panel);
    const size_t group = panel / l.panels_per_group;
    const size_t width = l.vectors_of(panel) * l.lanes;
    const size_t first = panel % l.panels_per_group * l.panel_vectors * l.lanes;
    const size_t columns = std::min(width, l.group_out - first);
    if (columns < width) std::fill_n(to, width * (1 + l.inputs()), 0.0f);
    pack_columns(params, l, group, first, columns, width, to);
  }
  if (end < l.panels(g.groups)) return;
  float* zeros = static_cast<float*>(packed) + l.zeros_offset(g.groups);
  std::fill_n(zeros, HWY_NAMESPACE::packed_bytes(params) / sizeof(float) - l.zeros_offset(g.groups),
              0.0f);
}

// Walks over the rows of the output, its pixels, without a division for each.
class Output {
 public:
  Output(const Params& params, float* y) : g_(params.geometry), y_(y), strides_(params.y_strides) {
    if (!strides_.image && !strides_.row && !strides_.pixel)
      strides_ = {g_.out_h * g_.out_w * g_.out_c, g_.out_w * g_.out_c, g_.out_c};
    dense_ = strides_.row == g_.out_w * strides_.pixel && strides_.image == g_.out_h * strides_.row;
  }

  void seek(size_t row) {
    if (dense_) {
      pixel_ = y_ + row * strides_.pixel;
      return;
    }
    image_ = row / g_.out_w / g_.out_h;
    oy_ = row / g_.out_w % g_.out_h;
    begin_image_row();
    advance(row % g_.out_w);
  }
  void advance(size_t count) {
    while (count >= left_) {
      count -= left_;
      if (++oy_ == g_.out_h) {
        oy_ = 0;
        ++image_;
      }
      begin_image_row();
    }
    pixel_ += count * strides_.pixel;
    if (!dense_) left_ -= count;
  }

  float* pixel() const { return pixel_; }
  size_t step() const { return strides_.pixel; }
  // The next `count` pixels are step() apart.
  bool even(size_t count) const { return count <= left_; }

 private:
  void begin_image_row() {
    pixel_ = y_ + image_ * strides_.image + oy_ * strides_.row;
    left_ = g_.out_w;
  }

  const Conv2dGeometry& g_;
  float* y_;
  OutputStrides strides_;
  bool dense_;
  float* pixel_ = nullptr;
  size_t image_ = 0, oy_ = 0;
  size_t left_ = std::numeric_limits<size_t>::max();  // pixels to the end of the image's row
};

// At most two vectors: too short for a call.
HWY_INLINE void store_row(const float* from, size_t columns, float* to) {
  const DF d;
  size_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) hn::StoreU(hn::Load(d, from + i), d, to + i);
  for (; i < columns; ++i) to[i] = from[i];
}

// `tiles` tiles of `height` rows of the output, from channel `channel` on. Only in a view of y may
// rows be unevenly spaced, where a tile goes on in the next row of the image: then they are put
// into place one by one, so that the tile need not know of it.
// (t by reference: a copy right after t.rows was written would wait for that store.)
HWY_INLINE void run_tiles(TileFn run, TileArgs& t, Output& output, size_t height, size_t tiles,
                          size_t channel) {
  while (tiles != 0) {
    const size_t count = HWY_LIKELY(output.even(height * tiles)) ? tiles : 1;
    if (HWY_LIKELY(output.even(height * count))) {
      t.y = output.pixel() + channel;
      t.y_step = output.step();
      run(t, count);
      output.advance(height * count);
    } else {
      HWY_ALIGN float rows[kMostTileRows * kPanelVectors * kLanes];
      t.y = rows;
      t.y_step = kPanelVectors * kLanes;
      run(t, 1);
      for (size_t i = 0; i < height; ++i, output.advance(1))
        store_row(rows + i * t.y_step, t.columns, output.pixel() + channel);
    }
    t.rows += height * count;
    tiles -= count;
  }
}

// One panel for `rows` rows, whose pointers are in t.rows: tiles of nearly equal height.
void run_panel(TileArgs t, const Layout& l, Output& output, size_t rows, size_t channel,
               Panel panel) {
  const TileRange range = tiles_for(panel);
  const TileRows cut(rows, std::min(range.most_rows, l.most_rows));
  if (cut.higher != 0)
    run_tiles(range.of_rows[cut.height], t, output, cut.height + 1, cut.higher, channel);
  run_tiles(range.of_rows[cut.height - 1], t, output, cut.height, cut.tiles - cut.higher, channel);
}

void run_task(const Params& params, const Layout& l, const float* packed, Output& output,
              RowTable& table, size_t task) {
  const size_t groups = params.geometry.groups;
  const size_t panel_tasks = l.panel_tasks(groups);
  const size_t first_panel = task % panel_tasks * l.panels_per_task;
  const size_t end_panel = std::min(first_panel + l.panels_per_task, l.panels(groups));
  const size_t first_row = task / panel_tasks * l.rows_per_task;
  const size_t end_row = std::min(first_row + l.rows_per_task, l.rows);
  for (size_t row = first_row; row < end_row; row += l.block_rows) {
    const size_t rows = std::min(l.block_rows, end_row - row);
    table.fill(row, rows);
    for (size_t panel = first_panel; panel < end_panel;) {
      const size_t group = panel / l.panels_per_group;
      const size_t vectors = l.vectors_of(panel);
      const size_t column = panel % l.panels_per_group * l.panel_vectors * l.lanes;
      TileArgs args{.rows = table.pointers(),
                    .rows_step = rows,
                    .taps = l.taps,
                    .run = l.run,
                    .x_offset = group * l.group_in,
                    .panel = packed + l.panel_offset(panel),
                    .next = nullptr,
                    .next_step = 0,
                    .y = nullptr,
                    .y_step = 0,
                    .columns = std::min(vectors * l.lanes, l.group_out - column),
                    .lo = params.lo,
                    .hi = params.hi};
      output.seek(row);
      const size_t channel = group * l.group_out + column;
      if (rows == 1 && std::min(l.full_panels(panel), end_panel - panel) >= kRowPanels) {
        args.y = output.pixel() + channel;
        run_row(args, l.panel_offset(1));
        panel += kRowPanels;
      } else {
        run_panel(args, l, output, rows, channel, panel_of(vectors, args.columns));
        ++panel;
      }
    }
  }
}

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = layout_of(g);
  const float* weights = static_cast<const float*>(packed);
  Output output(params, y);
  RowTable table(g, l, x, weights + l.zeros_offset(g.groups), workspace);
  for (size_t task = begin; task < end; ++task) run_task(params, l, weights, output, table, task);
}

}  // namespace octet::kernels::conv_f32::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::conv_f32 {

HWY_EXPORT(packed_bytes);
HWY_EXPORT(pack_tasks);
HWY_EXPORT(pack_part);
HWY_EXPORT(work);
HWY_EXPORT(cost);
HWY_EXPORT(run);

size_t packed_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(packed_bytes)(params);
}

size_t pack_tasks(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(pack_tasks)(params);
}

void pack_part(const Params& params, void* packed, size_t begin, size_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(pack_part)(params, packed, begin, end);
}

void pack(const Params& params, void* packed) noexcept {
  pack_part(params, packed, 0, pack_tasks(params));
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

Cost cost(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(cost)(params); }

void run(const Params& params, const void* packed, const float* x, float* y, void* workspace,
         size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  HWY_DYNAMIC_DISPATCH(run)(params, packed, x, y, workspace, begin, end);
}

}  // namespace octet::kernels::conv_f32
#endif  // HWY_ONCE
