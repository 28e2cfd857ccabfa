// Which instruction set the kernels run on: chosen once from the CPU, forced by tests and
// benchmarks.
//
// A Target is a Highway target and the way it multiplies bytes: Highway 1.0 has no 8-bit dot
// product, so the kernels carry that one primitive themselves (dot_quad-inl.h).
// Results do not depend on the target (integers); packed weights do: what was packed under one
// target is run under that target only.
#pragma once

#include <cstdint>
#include <span>

namespace octet::kernels {

// How sums of four u8 x s8 products are formed. Exact in every case.
enum class Dot : uint8_t {
  portable,  // widen to 16 bits, multiply-add pairs
  vnni,      // x86 vpdpbusd: AVX512-VNNI on AVX3, AVX-VNNI on AVX2
  dotprod,   // Arm sdot
  i8mm,      // Arm usdot
};

struct Target {
  int64_t highway;  // one HWY_* bit
  Dot dot;
  const char* name;  // "AVX3_VNNI", "AVX2", "NEON_DOTPROD", "SCALAR", ...
};

// What this machine and this build have, best first; never empty.
std::span<const Target> supported_targets() noexcept;

// The one in use: the best, unless set_target said otherwise.
const Target& current_target() noexcept;

// Makes the kernels use `target`, one of supported_targets(). For tests and benchmarks: no kernel
// may be running, and nothing packed earlier may be used afterwards.
void set_target(const Target& target) noexcept;

// Back to the best.
void reset_target() noexcept;

}  // namespace octet::kernels
