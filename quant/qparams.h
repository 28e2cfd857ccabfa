// How scale and zero_point follow from a range of real values [min, max], min <= max, both finite.
//
// choose_qparams is what PyTorch's observers compute, all in f32:
//   lo = min(min, 0), hi = max(max, 0)              zero is always representable
//   affine:    scale = (hi - lo) / (quant_max - quant_min)
//              zero_point = clamp(quant_min - round(lo / scale), quant_min, quant_max)
//   symmetric: scale = max(-lo, hi) / ((quant_max - quant_min) / 2)
//              zero_point = the middle of the range, rounded up: 0 for s8, 128 for 0..255
//   scale is at least eps; round: nearest, ties to even.
#pragma once

#include "base/qparams.h"

namespace octet::quant {

// Inclusive integers a value is clamped to.
struct QuantRange {
  int32_t quant_min = 0;
  int32_t quant_max = 255;

  friend bool operator==(const QuantRange&, const QuantRange&) = default;
};

enum class Scheme { affine, symmetric };

inline constexpr float kDefaultEps = 0x1p-23f;

// Throws octet::Error for a range that is not one, or so wide that f32 has no scale for it.
QParams choose_qparams(float min, float max, const QuantRange& range, Scheme scheme,
                       float eps = kDefaultEps);

// What PyTorch's fused observer and fake_quantize computes instead, in double:
//   affine: as above without eps, but scale 0.1 for an empty range and at least 6.1e-5, and
//     zero_point from the end of the range whose error is smaller, rounded once;
//   symmetric, min < 0 < max: the range is first widened so that both steps agree:
//     scale = max(-min / (n + 1), max / n), n = (quant_max - quant_min) / 2;
//   symmetric, one-sided: as affine.
QParams choose_qparams_fused(float min, float max, const QuantRange& range, Scheme scheme);

}  // namespace octet::quant
