// elementwise_f32, the specification: elementwise_f32.h in scalar code.
#pragma once

#include <cstddef>

namespace octet::kernels::ref::elementwise_f32 {

// Written with comparisons, so that NaN passes, and -0 stays -0 where lo or hi is 0.
inline float clamp(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

inline float add(float a, float b, float lo, float hi) { return clamp(a + b, lo, hi); }

inline float clamp_backward(float dy, float x, float lo, float hi) {
  return lo < x && x < hi ? dy : 0.0f;
}

inline float mul(float a, float b) { return a * b; }

inline float scale(float x, float factor) { return x * factor; }

}  // namespace octet::kernels::ref::elementwise_f32
