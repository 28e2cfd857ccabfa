// The specification of conv_u8s8 (and, with groups == in_c == out_c, of depthwise_u8s8): plain
// loops.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/requantize.h"

namespace octet::kernels::ref {

// Output (n, oy, ox, o) before requantization or scaling. Params: any struct with the fields of
// conv_u8s8::Params. Formed in 64 bits: the caller's |acc| < 2^31 concerns the result.
template <class Params>
int32_t conv_u8s8_acc(const Params& params, const uint8_t* x, size_t n, size_t oy, size_t ox,
                      size_t o) {
  const auto& g = params.geometry;
  const size_t channels = g.in_c / g.groups;
  const size_t first_channel = o / (g.out_c / g.groups) * channels;
  int64_t acc = params.bias[o];
  for (size_t ky = 0; ky < g.kernel_h; ++ky) {
    for (size_t kx = 0; kx < g.kernel_w; ++kx) {
      // Left of or above the image the subtraction wraps to a huge value: outside, too.
      const size_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top;
      const size_t ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left;
      if (iy >= g.in_h || ix >= g.in_w) continue;
      const uint8_t* pixel = x + ((n * g.in_h + iy) * g.in_w + ix) * g.in_c + first_channel;
      const int8_t* w = params.weight + ((o * g.kernel_h + ky) * g.kernel_w + kx) * channels;
      for (size_t c = 0; c < channels; ++c)
        acc += int64_t{w[c]} * (int32_t{pixel[c]} - params.x_zero_point);
    }
  }
  return static_cast<int32_t>(acc);
}

// Calls f(acc, o) for all outputs in order.
template <class Params, class F>
void conv_u8s8_for_each(const Params& params, const uint8_t* x, const F& f) {
  const auto& g = params.geometry;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy)
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t o = 0; o < g.out_c; ++o) f(conv_u8s8_acc(params, x, n, oy, ox, o), o);
}

template <class Params>
void conv_u8s8(const Params& params, const uint8_t* x, uint8_t* y) {
  conv_u8s8_for_each(params, x, [&](int32_t acc, size_t o) {
    *y++ = requantize(acc, params.multiplier[o], params.range);
  });
}

template <class Params>
void conv_u8s8_f32(const Params& params, const uint8_t* x, float* y) {
  conv_u8s8_for_each(params, x, [&](int32_t acc, size_t o) {
    *y++ = static_cast<float>(acc) * params.multiplier[o];
  });
}

}  // namespace octet::kernels::ref
