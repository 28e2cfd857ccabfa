// The step from s32 accumulators to u8 activations, shared by every kernel that sums products:
//
//   y = clamp(round(f32(acc) * multiplier) + zero_point, quant_min, quant_max)
//
// round: nearest, ties to even, in f32. multiplier[c] = (s_x * s_w[c]) / s_y, both operations in
// f32 in this order. The caller guarantees |acc * multiplier| < 2^31 (checked when a model is
// loaded). This file is normative; requantize-inl.h is the same on vectors, bit for bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace octet::kernels {

// Where the integers of a layer's output lie. All inclusive, 0 <= quant_min <= quant_max <= 255;
// a fused activation narrows quant_min and quant_max.
struct OutputRange {
  int32_t zero_point = 0;
  int32_t quant_min = 0;
  int32_t quant_max = 255;
};

inline float requantize_multiplier(float s_x, float s_w, float s_y) { return (s_x * s_w) / s_y; }

namespace ref {

inline uint8_t requantize(int32_t acc, float multiplier, const OutputRange& range) {
  const int32_t rounded =
      static_cast<int32_t>(std::nearbyintf(static_cast<float>(acc) * multiplier));
  // In 64 bits: rounded + zero_point may leave 32.
  const int64_t q = int64_t{rounded} + range.zero_point;
  return static_cast<uint8_t>(std::clamp<int64_t>(q, range.quant_min, range.quant_max));
}

}  // namespace ref
}  // namespace octet::kernels
