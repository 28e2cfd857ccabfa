// Start reading at winograd_f32_dw_layout.h (what lies where, how the work is cut) and
// winograd_f32_dw_transform-inl.h; the products are conv_f32_dw's register tile. Here: patches, the
// loops, adding up the partial sums.
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

// x or dy, of which some channels are read in patches of kSide x kSide pixels.
template <int kSide>
class Patches {
 public:
  // copy: room for a patch of whole vectors.
  Patches(const ConvInput& image, size_t h, size_t w, size_t c, float* copy)
      : image_(image),
        h_(static_cast<ptrdiff_t>(h)),
        w_(static_cast<ptrdiff_t>(w)),
        c_(c),
        copy_(copy) {}

  void set_channels(size_t first, size_t count) {
    first_ = first;
    count_ = count;
    whole_ = divide_up(count, kLanes) * kLanes;
  }
  size_t whole_channels() const { return whole_; }

  struct Patch {
    const float* at;
    size_t row_step, pixel_step;
  };
  // The patch of image n that begins at (y, x), in place if possible; zeros outside the image and
  // behind the last channel. u8 without its scale.
  Patch at(size_t n, ptrdiff_t y, ptrdiff_t x) const {
    const size_t image = n * static_cast<size_t>(h_ * w_) * c_ + first_;
    const bool inside = y >= 0 && h_ - y >= kSide && x >= 0 && w_ - x >= kSide;
    if (inside && whole_ == count_ && image_.f32) {
      return {image_.f32 + image + static_cast<size_t>(y * w_ + x) * c_,
              static_cast<size_t>(w_) * c_, c_};
    }
    copy(image, y, x);
    return {copy_, kSide * whole_, whole_};
  }

 private:
  void copy(size_t image, ptrdiff_t y, ptrdiff_t x) const {
    const ptrdiff_t left = std::clamp<ptrdiff_t>(-x, 0, kSide);
    const ptrdiff_t right = std::clamp<ptrdiff_t>(w_ - x, left, kSide);
    float* to = copy_;
    for (ptrdiff_t i = y; i < y + kSide; ++i, to += kSide * whole_) {
      if (i < 0 || i >= h_ || left == right) {
        std::fill_n(to, kSide * whole_, 0.0f);
        continue;
      }
      std::fill_n(to, static_cast<size_t>(left) * whole_, 0.0f);
      copy_pixels(image + static_cast<size_t>(i * w_ + x + left) * c_,
                  static_cast<size_t>(right - left), to + static_cast<size_t>(left) * whole_);
      std::fill(to + static_cast<size_t>(right) * whole_, to + kSide * whole_, 0.0f);
    }
  }

  // In one piece where all channels of the image fill vectors.
  void copy_pixels(size_t from, size_t pixels, float* HWY_RESTRICT to) const {
    const bool dense = whole_ == c_;
    const size_t pieces = dense ? 1 : pixels, length = dense ? pixels * c_ : count_;
    for (size_t i = 0; i < pieces; ++i, from += c_, to += whole_) {
      if (image_.f32) {
        copy_floats(image_.f32 + from, length, to);
      } else {
        copy_bytes(image_.u8 + from, length, to);
      }
      if (!dense) std::fill(to + count_, to + whole_, 0.0f);
    }
  }

  static void copy_floats(const float* HWY_RESTRICT from, size_t length, float* HWY_RESTRICT to) {
    const DF d;
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) hn::Store(hn::LoadU(d, from + i), d, to + i);
    for (; i < length; ++i) to[i] = from[i];
  }

  void copy_bytes(const uint8_t* HWY_RESTRICT from, size_t length, float* HWY_RESTRICT to) const {
    const D32 d32;
    const V32 zero_point = hn::Set(d32, image_.zero_point);
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      const V32 q = hn::PromoteTo(d32, hn::LoadU(hn::Rebind<uint8_t, D32>(), from + i));
      hn::Store(hn::ConvertTo(DF(), hn::Sub(q, zero_point)), DF(), to + i);
    }
    for (; i < length; ++i) to[i] = static_cast<float>(from[i] - image_.zero_point);
  }

  const ConvInput& image_;
  const ptrdiff_t h_, w_;
  const size_t c_;
  float* copy_;
  size_t first_ = 0, count_ = 0, whole_ = 0;  // channels
};

// A step of tiles of one block on its way through the workspace.
class Step {
 public:
  Step(const Params& params, const Layout& l, void* workspace)
      : g_(params.geometry),
        l_(l),
        dy_image_{.f32 = params.dy},
        offsets_(static_cast<size_t*>(workspace)),
        u_(floats_at(workspace, l.offsets_bytes())),
        v_(floats_at(u_, l.u_bytes())),
        m_(floats_at(v_, l.v_bytes())),
        x_(params.x, g_.in_h, g_.in_w, g_.in_c, floats_at(m_, l.m_bytes())),
        dy_(dy_image_, g_.out_h, g_.out_w, g_.out_c, floats_at(m_, l.m_bytes())) {
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
      const size_t tile = first + i, row = tile / l_.tiles_w, n = row / l_.tiles_h;
      const size_t oy = row % l_.tiles_h * kTile, ox = tile % l_.tiles_w * kTile;
      const auto x = x_.at(n, static_cast<ptrdiff_t>(oy - g_.pad_top),
                           static_cast<ptrdiff_t>(ox - g_.pad_left));
      for (size_t c = 0; c < x_.whole_channels(); c += kLanes)
        winograd_f32::HWY_NAMESPACE::transform_input<Forward>(x.at + c, x.row_step, x.pixel_step,
                                                              u_ + i * l_.block_in + c, l_.u_plane);
      const auto dy = dy_.at(n, static_cast<ptrdiff_t>(oy), static_cast<ptrdiff_t>(ox));
      for (size_t c = 0; c < dy_.whole_channels(); c += kLanes)
        spread_tile(dy.at + c, dy.row_step, dy.pixel_step, v_ + i * l_.block_out + c, l_.v_plane);
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
  const ConvInput dy_image_;
  size_t* offsets_;  // of the vectors of a row of U
  float *u_, *v_, *m_;
  Patches<static_cast<int>(kPatch)> x_;
  Patches<static_cast<int>(kTile)> dy_;
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
  const size_t tiles = g.batch * divide_up(g.out_h, kTile) * divide_up(g.out_w, kTile);
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
