// Start reading at winograd_f32_dw_layout.h (what lies where, how the work is cut),
// winograd_patches-inl.h and winograd_f32_dw_transform-inl.h; the products are conv_f32_dw's
// register tile. Here: pixels of two types, the loops, adding up the partial sums.
#include "kernels/winograd_f32_dw.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/check.h"
#include "kernels/winograd_f32.h"
#include "kernels/winograd_f32_dw_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_f32_dw.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv_f32_dw_tile-inl.h"
#include "kernels/winograd_f32_dw_transform-inl.h"
#include "kernels/winograd_patches-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE {
namespace direct = octet::kernels::conv_f32_dw::HWY_NAMESPACE;

Work work(const Params& params) {
  const Layout l = make_layout(params.geometry, kLanes);
  return {l.blocks() * l.chunks, l.workspace_bytes()};
}

size_t partials_bytes(const Params& params) {
  const Layout l = make_layout(params.geometry, kLanes);
  return align_up(l.blocks() * l.chunks * l.block_floats() * sizeof(float));
}

// f32, or u8 without its scale.
struct Pixels {
  using Element = float;

  ConvInput image;
  static constexpr uint8_t outside = 0;

  const float* in_place(size_t first) const { return image.f32 ? image.f32 + first : nullptr; }
  void copy(size_t first, size_t count, float* HWY_RESTRICT to) const {
    if (image.f32) return copy_elements(image.f32 + first, count, to);
    const D32 d32;
    const V32 zero_point = hn::Set(d32, image.zero_point);
    const uint8_t* HWY_RESTRICT from = image.u8 + first;
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      const V32 q = hn::PromoteTo(d32, hn::LoadU(hn::Rebind<uint8_t, D32>(), from + i));
      hn::Store(hn::ConvertTo(DF(), hn::Sub(q, zero_point)), DF(), to + i);
    }
    for (; i < count; ++i) to[i] = static_cast<float>(from[i] - image.zero_point);
  }
};

// A step of tiles of one block on its way through the workspace.
class Step {
 public:
  Step(const Params& params, const Layout& l, void* workspace)
      : g_(params.geometry),
        l_(l),
        offsets_(static_cast<size_t*>(workspace)),
        u_(floats_at(workspace, l.offsets_bytes())),
        v_(floats_at(u_, l.u_bytes())),
        m_(floats_at(v_, l.v_bytes())),
        x_({params.x}, g_.in_h, g_.in_w, g_.in_c, kPatch, kLanes, floats_at(m_, l.m_bytes())),
        dy_({{.f32 = params.dy}}, g_.out_h, g_.out_w, g_.out_c, kTile, kLanes,
            floats_at(m_, l.m_bytes())) {
    for (size_t i = 0; i * kLanes < l.block_in; ++i) offsets_[i] = i * kLanes;
  }

  void set_block(const Block& b) {
    rows_ = b.outputs;
    x_.set_channels(b.first_in, b.inputs);
    dy_.set_channels(b.first_out, b.outputs);
  }

  // Makes U and V.
  void transform(size_t first, size_t tiles) {
    tiles_ = tiles;
    for (size_t i = 0; i < tiles; ++i) {
      const winograd::Place at = l_.place_of(first + i);
      const auto y = static_cast<ptrdiff_t>(at.oy), x = static_cast<ptrdiff_t>(at.ox);
      x_.transform<F4::Input>(DF(), at.n, y - static_cast<ptrdiff_t>(g_.pad_top),
                              x - static_cast<ptrdiff_t>(g_.pad_left), u_ + i * l_.block_in,
                              l_.u_plane);
      dy_.transform<Spread>(DF(), at.n, y, x, v_ + i * l_.block_out, l_.v_plane);
    }
  }

  // From U and V to the block's partial sums; add: to what is there.
  void multiply(bool add, float* partial) const {
    const size_t width = x_.whole_channels();
    for (size_t first = 0; first < rows_; first += kRows) {
      const size_t rows = std::min(kRows, rows_ - first);
      multiply_rows(first, rows);
      for (size_t row = 0; row < rows; ++row)
        for (size_t c = 0; c < width; c += kLanes)
          gather_taps(m_ + row * width + c, l_.m_plane, add,
                      partial + (first + row) * kTaps * l_.block_in + c, l_.block_in);
    }
  }

 private:
  static float* floats_at(void* base, size_t bytes) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(base) + bytes);
  }

  // M for output channels [first, first + rows) of the block.
  void multiply_rows(size_t first, size_t rows) const {
    const size_t width = x_.whole_channels();
    for (size_t p = 0; p < kPositions; ++p) {
      const direct::Run run{
          .rows = v_ + p * l_.v_plane + first, .vectors = u_ + p * l_.u_plane, .count = tiles_};
      direct::run_rows({.runs = &run,
                        .run_count = 1,
                        .row_offset = 0,
                        .row_step = l_.block_out,
                        .vector_step = l_.block_in,
                        .vector_offsets = offsets_,
                        .sums = m_ + p * l_.m_plane,
                        .sums_step = width},
                       rows, width / kLanes);
    }
  }

  const Conv2dGeometry& g_;
  const Layout& l_;
  size_t* offsets_;  // of the vectors of a row of U
  float *u_, *v_, *m_;
  Patches<Pixels> x_, dy_;
  size_t rows_ = 0, tiles_ = 0;
};

void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) {
  const Layout l = make_layout(params.geometry, kLanes);
  Step step(params, l, workspace);
  for (size_t task = begin; task < end; ++task) {
    const size_t index = task % l.blocks(), chunk = task / l.blocks();
    float* to = static_cast<float*>(partials) + (index * l.chunks + chunk) * l.block_floats();
    step.set_block(block_of(l, params.geometry, index));
    const size_t first = chunk * l.chunk_steps;
    for (size_t i = first; i < std::min(first + l.chunk_steps, l.steps); ++i) {
      step.transform(i * l.step_tiles, std::min(l.step_tiles, l.tiles - i * l.step_tiles));
      step.multiply(i > first, to);
    }
  }
}

void finish(const Params& params, const void* partials, float* dw, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = make_layout(g, kLanes);
  const size_t output = kTaps * g.in_c;  // floats of dw per output channel
  if (l.chunks == 0) {                   // an empty batch
    std::fill(dw + begin * output, dw + end * output, 0.0f);
    return;
  }
  for (size_t o = begin; o < end; ++o) {
    float* to = dw + o * output;
    for (size_t i = 0; i < l.in_blocks; ++i) {
      const size_t index = o / l.block_out * l.in_blocks + i;
      const Block b = block_of(l, g, index);
      const float* from = static_cast<const float*>(partials) +
                          index * l.chunks * l.block_floats() +
                          (o - b.first_out) * kTaps * l.block_in;
      for (size_t tap = 0; tap < kTaps; ++tap)
        direct::add_chunks({from + tap * l.block_in, l.block_floats(), l.chunks}, b.inputs,
                           to + tap * g.in_c + b.first_in);
    }
    if (params.x.u8)
      for (size_t i = 0; i < output; ++i) to[i] *= params.x.scale;
  }
}

}  // namespace octet::kernels::winograd_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::winograd_f32_dw {

HWY_EXPORT(work);
HWY_EXPORT(partials_bytes);
HWY_EXPORT(run);
HWY_EXPORT(finish);

bool is_supported(const Conv2dGeometry& g) noexcept { return winograd_f32::is_supported(g); }

// Measured on Zen 4 (winograd_f32_dw_bench).
bool is_faster(const Conv2dGeometry& g) noexcept {
  // Transforms cost as much as 16 channels of products.
  constexpr size_t kLeastChannels = 16;
  if (std::min(g.in_c, g.out_c) < kLeastChannels) return false;
  // Small images leave much of their last tiles empty; with few tiles, transforming the sums back
  // counts, as much as two tiles of products.
  const size_t tiles = winograd::grid_of(g, kTile).tiles;
  return 2 * kPositions * (tiles + 2) <= kTaps * g.batch * g.out_h * g.out_w;
}

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

size_t partials_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(partials_bytes)(params);
}

void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  OCTET_DCHECK((params.x.f32 == nullptr) != (params.x.u8 == nullptr));
  OCTET_DCHECK(is_supported(params.geometry));
  HWY_DYNAMIC_DISPATCH(run)(params, partials, workspace, begin, end);
}

// One output channel of dw for each task.
Work finish_work(const Params& params) noexcept { return {.tasks = params.geometry.out_c}; }

void finish(const Params& params, const void* partials, float* dw, size_t begin,
            size_t end) noexcept {
  OCTET_DCHECK(end <= finish_work(params).tasks);
  HWY_DYNAMIC_DISPATCH(finish)(params, partials, dw, begin, end);
}

}  // namespace octet::kernels::winograd_f32_dw
#endif  // HWY_ONCE
