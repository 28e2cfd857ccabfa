#include "quant/qparams.h"

#include "base/error.h"

namespace octet::quant {
namespace {

void check_range(float min, float max, const QuantRange& range) {
  OCTET_CHECK(std::isfinite(min) && std::isfinite(max) && min <= max, "qparams: [", min, ", ", max,
              "] is not a range");
  OCTET_CHECK(range.quant_min < range.quant_max, "qparams: quant_min ", range.quant_min,
              " is not below quant_max ", range.quant_max);
}

// The least scale of the fused form; smaller ones count as this.
constexpr float kSmallScale = 6.1e-5f;
constexpr double kScaleOfNothing = 0.1;

}  // namespace

QParams choose_qparams(float min, float max, const QuantRange& range, Scheme scheme, float eps) {
  check_range(min, max, range);
  const auto [quant_min, quant_max] = range;
  const float lo = std::min(min, 0.0f);
  const float hi = std::max(max, 0.0f);
  const float steps = static_cast<float>(quant_max - quant_min);
  const float span = scheme == Scheme::affine ? (hi - lo) / steps : std::max(-lo, hi) / (steps / 2);
  const float scale = std::max(span, eps);
  OCTET_CHECK(std::isfinite(scale), "qparams: [", min, ", ", max, "] is too wide");
  const int32_t zero_point =
      scheme == Scheme::symmetric
          ? (quant_min + quant_max + 1) >> 1
          : std::clamp(quant_min - static_cast<int32_t>(std::nearbyintf(lo / scale)), quant_min,
                       quant_max);
  return {scale, zero_point, quant_min, quant_max};
}

QParams choose_qparams_fused(float min, float max, const QuantRange& range, Scheme scheme) {
  check_range(min, max, range);
  const auto [quant_min, quant_max] = range;
  const int32_t steps = quant_max - quant_min;
  const bool centred = scheme == Scheme::symmetric && min < 0 && max > 0;
  if (centred) {
    const int32_t half = steps / 2;
    const double widest =
        std::max(-min / static_cast<float>(half + 1), max / static_cast<float>(half));
    min = static_cast<float>(-widest * (half + 1));
    max = static_cast<float>(widest * half);
  }
  min = std::min(min, 0.0f);
  max = std::max(max, 0.0f);

  double scale = (double{max} - min) / steps;
  if (std::isinf(1.0f / static_cast<float>(scale))) scale = kScaleOfNothing;
  if (scale < kSmallScale) {
    // Stretch the range to the least scale, keeping an end that is zero.
    const float stretch = kSmallScale / static_cast<float>(scale);
    if (min == 0.0f) {
      max = kSmallScale * static_cast<float>(steps);
    } else if (max == 0.0f) {
      min = -kSmallScale * static_cast<float>(steps);
    } else {
      min *= stretch;
      max *= stretch;
    }
    scale = kSmallScale;
  }

  const double below = min / scale;
  const double above = max / scale;
  const bool from_min = std::abs(quant_min) - std::abs(below) < std::abs(quant_max) - above;
  double zero_point = from_min ? quant_min - below : quant_max - above;
  if (centred) zero_point = (quant_min + quant_max) / 2.0;
  zero_point = std::clamp(zero_point, double(quant_min), double(quant_max));
  return {static_cast<float>(scale), static_cast<int32_t>(std::nearbyint(zero_point)), quant_min,
          quant_max};
}

}  // namespace octet::quant
