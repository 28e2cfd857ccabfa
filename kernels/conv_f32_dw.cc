// Start reading at conv_f32_dw_layout.h (how the work is cut) and conv_f32_dw_tile-inl.h (the inner
// loop); here: where the operands of a task lie, the loops, adding up the partial sums.
#include "kernels/conv_f32_dw.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/check.h"
#include "kernels/conv_f32_dw_layout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_f32_dw.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/conv_f32_dw_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace octet::kernels::conv_f32_dw::HWY_NAMESPACE {

// No window leaves the image, and vectors end where channels do.
bool readable_in_place(const Params& params, const Layout& l) {
  const Conv2dGeometry& g = params.geometry;
  return params.x.f32 && g.pad_top == 0 && g.pad_left == 0 && l.columns <= g.in_w &&
         (g.out_h - 1) * g.stride_h + l.window_h <= g.in_h &&
         (!l.x_vectors || l.length % l.lanes == 0);
}

Work work(const Params& params) {
  const Layout l = make_layout(params.geometry, kLanes);
  const size_t copy = readable_in_place(params, l) ? 0 : l.copy_bytes(params.geometry);
  return {l.blocks(params.geometry.groups) * l.chunks, l.runs_bytes() + l.offsets_bytes() + copy};
}

size_t partials_bytes(const Params& params) {
  const Layout l = make_layout(params.geometry, kLanes);
  return align_up(l.blocks(params.geometry.groups) * l.chunks * l.block_floats() * sizeof(float));
}

// The operands of one task: pixels of x, in place or copied with zeros around them, beside dy.
class Operands {
 public:
  Operands(const Params& params, const Layout& l, void* workspace)
      : params_(params),
        g_(params.geometry),
        l_(l),
        in_place_(readable_in_place(params, l)),
        runs_(static_cast<Run*>(workspace)) {
    static_assert(sizeof(Run) <= 3 * sizeof(void*));
    std::byte* after = static_cast<std::byte*>(workspace) + l.runs_bytes();
    offsets_ = reinterpret_cast<size_t*>(after);
    copy_ = reinterpret_cast<float*>(after + l.offsets_bytes());
  }

  // Block b over output rows [begin, end) of the batch.
  void prepare(const Block& b, size_t begin, size_t end) {
    first_channel_ = b.group * l_.group_in + (l_.x_vectors && !l_.spans ? b.first_lane : 0);
    channels_ = l_.spans ? g_.in_c : l_.x_vectors ? b.lanes : l_.length;
    pitch_ = in_place_ ? g_.in_c : channels_;
    row_pitch_ = in_place_ ? g_.in_w * g_.in_c : l_.columns * channels_;
    first_output_ = b.group * l_.group_out + (l_.x_vectors ? b.first_row : b.first_lane);
    run_count_ = 0;
    float* to = copy_;
    for (size_t row = begin; row < end;) {
      const size_t oy = row % g_.out_h, count = std::min(end - row, g_.out_h - oy);
      const float* x = to;
      if (in_place_) {
        const size_t iy = row / g_.out_h * g_.in_h + oy * g_.stride_h;
        x = params_.x.f32 + iy * row_pitch_ + first_channel_;
      } else {
        to = copy_rows(row / g_.out_h, oy, count, to);
      }
      for (size_t i = 0; i < count; ++i) add_run(x + i * g_.stride_h * row_pitch_, row + i);
      row += count;
    }
    if (!in_place_) std::fill_n(to, l_.lanes, 0.0f);  // read by the last vector, not used
    set_vector_offsets(b);
  }

  // A tile's arguments but for its place.
  TileArgs args() const {
    const size_t x_step = g_.stride_w * pitch_;
    return {.runs = runs_,
            .run_count = run_count_,
            .row_offset = 0,
            .row_step = l_.x_vectors ? g_.out_c : x_step,
            .vector_step = l_.x_vectors ? x_step : g_.out_c,
            .vector_offsets = offsets_,
            .sums = nullptr,
            .sums_step = 0};
  }
  size_t vectors() const { return vectors_; }
  size_t segment_offset(size_t segment) const {
    const size_t columns = l_.spans ? 1 : g_.kernel_w;
    return segment / columns * g_.dilation_h * row_pitch_ +
           segment % columns * g_.dilation_w * pitch_;
  }

 private:
  void set_vector_offsets(const Block& b) {
    vectors_ = 0;
    for (size_t segment = 0; segment < l_.vector_segments(); ++segment)
      for (size_t lane = 0; lane < b.lanes; lane += l_.lanes)
        offsets_[vectors_++] = (l_.x_vectors ? segment_offset(segment) : 0) + lane;
  }

  // Rows that follow each other without a gap, those of 1x1 layers, are one run.
  void add_run(const float* x, size_t row) {
    const float* dy = params_.dy + row * g_.out_w * g_.out_c + first_output_;
    const Run next = l_.x_vectors ? Run{dy, x, g_.out_w} : Run{x, dy, g_.out_w};
    if (run_count_ > 0) {
      Run& last = runs_[run_count_ - 1];
      const float* last_x = l_.x_vectors ? last.vectors : last.rows;
      if (last_x + last.count * g_.stride_w * pitch_ == x) {
        last.count += g_.out_w;
        return;
      }
    }
    runs_[run_count_++] = next;
  }

  // All that output rows [oy, oy + count) of image n reach; returns the end.
  float* copy_rows(size_t n, size_t oy, size_t count, float* to) const {
    const size_t rows = (count - 1) * g_.stride_h + l_.window_h;
    for (size_t i = 0; i < rows; ++i, to += row_pitch_) {
      const size_t iy = oy * g_.stride_h + i - g_.pad_top;  // may wrap around
      if (iy < g_.in_h) {
        copy_row(n * g_.in_h + iy, to);
      } else {
        std::fill_n(to, row_pitch_, 0.0f);
      }
    }
    return to;
  }

  void copy_row(size_t image_row, float* to) const {
    const size_t left = std::min(g_.pad_left, l_.columns);
    const size_t inside = std::min(l_.columns - left, g_.in_w);
    std::fill_n(to, left * channels_, 0.0f);
    copy_pixels(image_row * g_.in_w * g_.in_c + first_channel_, inside, to + left * channels_);
    std::fill(to + (left + inside) * channels_, to + row_pitch_, 0.0f);
  }

  // As few and as long pieces as possible.
  void copy_pixels(size_t from, size_t pixels, float* to) const {
    const bool dense = channels_ == g_.in_c;
    const size_t length = dense ? pixels * channels_ : channels_, pieces = dense ? 1 : pixels;
    const Input& x = params_.x;
    for (size_t i = 0; i < pieces; ++i, from += g_.in_c, to += channels_) {
      if (x.f32) {
        copy(x.f32 + from, length, to);
      } else {
        for (size_t c = 0; c < length; ++c)
          to[c] = static_cast<float>(static_cast<int32_t>(x.u8[from + c]) - x.zero_point) * x.scale;
      }
    }
  }

  // Often a vector or two: too short for a call.
  static void copy(const float* HWY_RESTRICT from, size_t length, float* HWY_RESTRICT to) {
    const DF d;
    size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
    for (; i < length; ++i) to[i] = from[i];
  }

  const Params& params_;
  const Conv2dGeometry& g_;
  const Layout& l_;
  const bool in_place_;
  Run* runs_;
  size_t* offsets_;
  float* copy_;
  size_t run_count_ = 0, vectors_ = 0;
  size_t first_channel_ = 0, channels_ = 0, first_output_ = 0;
  size_t pitch_ = 0, row_pitch_ = 0;  // floats between pixels and rows of x
};

void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) {
  const Conv2dGeometry& g = params.geometry;
  const Layout l = make_layout(g, kLanes);
  const size_t blocks = l.blocks(g.groups);
  Operands operands(params, l, workspace);
  for (size_t task = begin; task < end; ++task) {
    const size_t index = task % blocks, chunk = task / blocks;
    const Block b = block_of(l, index);
    operands.prepare(b, chunk * l.chunk_rows, std::min((chunk + 1) * l.chunk_rows, l.image_rows));
    TileArgs args = operands.args();
    args.sums = static_cast<float*>(partials) + (index * l.chunks + chunk) * l.block_floats();
    args.sums_step = operands.vectors() * kLanes;
    if (l.x_vectors) {
      run_rows(args, b.rows, operands.vectors());
      continue;
    }
    for (size_t segment = 0; segment < l.segments; ++segment) {
      args.row_offset = operands.segment_offset(segment);
      run_rows(args, l.length, operands.vectors());
      args.sums += l.length * args.sums_step;
    }
  }
}

Work finish_work(const Params& params) {
  return {.tasks = make_layout(params.geometry, kLanes).blocks(params.geometry.groups)};
}

void finish_block(const Layout& l, const Block& b, const float* partials, float* dw) {
  HWY_ALIGN float sums[kMostVectors * kLanes];
  const size_t output = l.segments * l.length;  // floats of dw per output channel
  const size_t piece = divide_up(b.lanes, kLanes) * kLanes;
  for (size_t row = 0; row < b.rows; ++row) {
    if (l.x_vectors) {
      float* to = dw + (b.group * l.group_out + b.first_row + row) * output + b.first_lane;
      for (size_t segment = 0; segment < l.segments; ++segment, partials += piece)
        add_chunks({partials, l.block_floats(), l.chunks}, b.lanes, to + segment * l.length);
    } else {
      float* to = dw + (b.group * l.group_out + b.first_lane) * output + row;
      add_chunks({partials, l.block_floats(), l.chunks}, b.lanes, sums);
      for (size_t lane = 0; lane < b.lanes; ++lane) to[lane * output] = sums[lane];
      partials += piece;
    }
  }
}

void finish(const Params& params, const void* partials, float* dw, size_t begin, size_t end) {
  const Layout l = make_layout(params.geometry, kLanes);
  if (l.chunks == 0) {  // an empty batch
    std::fill_n(dw, params.geometry.out_c * params.geometry.taps(), 0.0f);
    return;
  }
  for (size_t index = begin; index < end; ++index)
    finish_block(l, block_of(l, index),
                 static_cast<const float*>(partials) + index * l.chunks * l.block_floats(), dw);
}

}  // namespace octet::kernels::conv_f32_dw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octet::kernels::conv_f32_dw {

HWY_EXPORT(work);
HWY_EXPORT(partials_bytes);
HWY_EXPORT(run);
HWY_EXPORT(finish_work);
HWY_EXPORT(finish);

Work work(const Params& params) noexcept { return HWY_DYNAMIC_DISPATCH(work)(params); }

size_t partials_bytes(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(partials_bytes)(params);
}

void run(const Params& params, void* partials, void* workspace, size_t begin, size_t end) noexcept {
  OCTET_DCHECK(end <= work(params).tasks);
  OCTET_DCHECK((params.x.f32 == nullptr) != (params.x.u8 == nullptr));
  HWY_DYNAMIC_DISPATCH(run)(params, partials, workspace, begin, end);
}

Work finish_work(const Params& params) noexcept {
  return HWY_DYNAMIC_DISPATCH(finish_work)(params);
}

void finish(const Params& params, const void* partials, float* dw, size_t begin,
            size_t end) noexcept {
  OCTET_DCHECK(end <= finish_work(params).tasks);
  HWY_DYNAMIC_DISPATCH(finish)(params, partials, dw, begin, end);
}

}  // namespace octet::kernels::conv_f32_dw
#endif  // HWY_ONCE
