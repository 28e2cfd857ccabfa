// elementwise_f32, the specification: elementwise_f32.h in scalar code.
#pragma once

#include <cstddef>

namespace octet::kernels::ref::elementwise_f32 {

// Written with comparisons, so that NaN passes, and -0 stays -0 where lo or hi is 0.
inline float clamp(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

// PyTorch's rule: nothing passes where the clamp is at a bound.
inline float clamp_gradient(float y, float dy, float lo, float hi) {
  return y <= lo || y >= hi ? 0.0f : dy;
}

inline float add(float a, float b, float lo, float hi) { return clamp(a + b, lo, hi); }

}  // namespace octet::kernels::ref::elementwise_f32
