// The input of a convolution as its backward pass keeps it: floats, or the bytes of quantize.
#pragma once

#include <cstdint>

namespace octet::kernels {

// Exactly one pointer is set. u8 stands for x = (q - zero_point) * scale.
struct ConvInput {
  const float* f32 = nullptr;
  const uint8_t* u8 = nullptr;
  float scale = 1;
  int32_t zero_point = 0;
};

}  // namespace octet::kernels
