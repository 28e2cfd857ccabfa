// depthwise_u8s8 for any kernel, but on x86: four taps of an output pixel at a time
// (depthwise_u8s8_layout.h).
#if defined(OCTET_KERNELS_DEPTHWISE_U8S8_GENERAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTET_KERNELS_DEPTHWISE_U8S8_GENERAL_INL_H_
#undef OCTET_KERNELS_DEPTHWISE_U8S8_GENERAL_INL_H_
#else
#define OCTET_KERNELS_DEPTHWISE_U8S8_GENERAL_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "kernels/depthwise_u8s8_call-inl.h"

#if !OCTET_HAS_WIDENED
HWY_BEFORE_NAMESPACE();
namespace octet::kernels::HWY_NAMESPACE {
namespace {

// One block of channels of one output pixel, any kernel: taps are pointers to the block's first
// channel at each tap, a multiple of four of them. y: room for kLanes.
template <Dot kDot, class Output>
HWY_INLINE void pixel_block(const uint8_t* const* taps, size_t groups, size_t channel,
                            const StripData& strip, const Output& output, typename Output::Y* y) {
  const D32 d32;
  V32 acc[4];
  VF multiplier[4];
  for (int j = 0; j < 4; ++j) {
    acc[j] = hn::LoadU(d32, strip.bias + j * kWords);
    multiplier[j] = hn::LoadU(DF(), strip.multiplier + j * kWords);
  }
  for (size_t i = 0; i < groups; ++i) {
    const uint8_t* const* t = taps + 4 * i;
    V32 q[4];
    make_quads<0, 4>(load_bytes<1>(t, channel), load_bytes<1>(t + 1, channel),
                     load_bytes<1>(t + 2, channel), load_bytes<1>(t + 3, channel), q);
    OCTET_UNROLL
    for (int j = 0; j < 4; ++j)
      acc[j] = dot_offset<kDot>(offset_u8<kDot>(q[j]),
                                hn::LoadU(d32, strip.weights + (i * 4 + j) * kWords), acc[j]);
  }
  output.template store<1>(output.half(acc, multiplier), output.half(acc + 2, multiplier + 2), &y,
                           0);
}

// Pointers to channel 0 at each tap of an output pixel, in a call's working memory.
class Taps {
 public:
  explicit Taps(const Input& input) : input_(input), count_(input.layout.groups * 4) {
    const Conv2dGeometry& g = input.params.geometry;
    const Workspace workspace(input.layout, g);
    taps_ = reinterpret_cast<const uint8_t**>(input.workspace + workspace.second);
    offsets_ = reinterpret_cast<size_t*>(taps_ + count_);
    copies_ = reinterpret_cast<uint8_t*>(input.workspace + workspace.third);
    x_end_ = input.x + g.batch * g.in_h * g.in_w * g.in_c;
    // Taps that fill up the last quad have zero weights and may point anywhere.
    for (size_t t = 0; t < count_; ++t) {
      const bool real = t < g.kernel_h * g.kernel_w;
      const size_t ky = real ? t / g.kernel_w : 0, kx = real ? t % g.kernel_w : 0;
      offsets_[t] = (ky * g.dilation_h * g.in_w + kx * g.dilation_w) * g.in_c;
    }
  }

  const uint8_t* const* of_pixel(size_t n, size_t oy, size_t ox) {
    const Conv2dGeometry& g = input_.params.geometry;
    // Above and left of the image these wrap to values far beyond in_h and in_w.
    const size_t iy = oy * g.stride_h - g.pad_top;
    const size_t ix = ox * g.stride_w - g.pad_left;
    const size_t height = (g.kernel_h - 1) * g.dilation_h;
    const size_t width = (g.kernel_w - 1) * g.dilation_w;
    const bool inside = iy < g.in_h && iy + height < g.in_h && ix < g.in_w && ix + width < g.in_w;
    if (inside && g.in_c >= kLanes) {
      const uint8_t* corner = input_.x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c;
      for (size_t t = 0; t < count_; ++t) taps_[t] = corner + offsets_[t];
    } else {
      check_each(n, iy, ix);
    }
    return taps_;
  }

 private:
  void check_each(size_t n, size_t top, size_t left) {
    const Conv2dGeometry& g = input_.params.geometry;
    size_t t = 0;
    for (size_t ky = 0; ky < g.kernel_h; ++ky) {
      const size_t iy = top + ky * g.dilation_h;
      for (size_t kx = 0; kx < g.kernel_w; ++kx, ++t) {
        const size_t ix = left + kx * g.dilation_w;
        taps_[t] = input_.zero_points;
        if (iy >= g.in_h || ix >= g.in_w) continue;
        taps_[t] = input_.x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c;
        // Reading the next pixel's channels does no harm, reading past the tensor would.
        if (g.in_c < kLanes && static_cast<size_t>(x_end_ - taps_[t]) < kLanes) {
          std::memcpy(copies_ + t * kLanes, taps_[t], g.in_c);
          taps_[t] = copies_ + t * kLanes;
        }
      }
    }
    while (t < count_) taps_[t++] = input_.zero_points;
  }

  const Input& input_;
  const size_t count_;
  const uint8_t** taps_;
  size_t* offsets_;
  uint8_t* copies_;
  const uint8_t* x_end_;
};

// A task is an output row.
template <Dot kDot, class Output>
void run_general(const Call<Output>& call, size_t begin, size_t end) {
  using Y = typename Output::Y;
  const Conv2dGeometry& g = call.params.geometry;
  Taps taps(call);
  for (size_t task = begin; task < end; ++task)
    for (size_t ox = 0; ox < g.out_w; ++ox) {
      const uint8_t* const* tap = taps.of_pixel(task / g.out_h, task % g.out_h, ox);
      Y* pixel = call.y + (task * g.out_w + ox) * g.in_c;
      call.layout.for_each_strip(g.in_c, [&](const Strip& strip, size_t index) HWY_ATTR {
        Y whole[kLanes];
        Y* out = strip.width == kLanes ? pixel + strip.channel : whole;
        pixel_block<kDot>(tap, call.layout.groups, strip.channel, call.strip_data(index),
                          call.layer.output, out);
        if (out == whole) std::memcpy(pixel, whole, strip.width * sizeof(Y));
      });
    }
}

}  // namespace
}  // namespace octet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // !OCTET_HAS_WIDENED

#endif  // per-target include guard
