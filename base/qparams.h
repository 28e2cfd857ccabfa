// Quantization parameters of one activation tensor: real = (q - zero_point) * scale,
// q in [quant_min, quant_max] (inclusive).
#pragma once

#include <cstdint>

namespace octet {

struct QParams {
  float scale = 1.0f;      // > 0, finite
  int32_t zero_point = 0;  // in [quant_min, quant_max]
  int32_t quant_min = 0;
  int32_t quant_max = 255;

  friend bool operator==(const QParams&, const QParams&) = default;
};

}  // namespace octet
