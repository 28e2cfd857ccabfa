// What one core could do if nothing but multiply-adds took time: the bar of every benchmark.
//
// Measured when called, about 20 ms: loops that touch registers only, on the current target
// (kernels/target.h), in thread CPU time, the best of many short samples. The pace of a shared
// machine changes, so measure beside the kernel that is compared with it.
#pragma once

#include <cstddef>

namespace octet::bench {

// u8 x s8 products added into s32, by dot_quad of the current target.
double peak_gmacs_u8s8();

// f32 multiply-adds, fused where the target has them.
double peak_gmacs_f32();
// Of one such instruction.
size_t lanes_f32();

// CPU time of the calling thread.
double thread_seconds();

// Calls f again and again and returns the least seconds that one call took: `samples` samples,
// each of about a millisecond; of what takes so long that they would last more than a quarter of a
// second fewer, at least three.
template <class F>
double best_seconds(const F& f, int samples) {
  int calls = 1;
  double best = 1e9, spent = 0;
  for (int i = 0; i < samples && (i < 3 || spent < 0.25);) {
    const double start = thread_seconds();
    for (int k = 0; k < calls; ++k) f();
    const double took = thread_seconds() - start;
    if (took < 0.5e-3 && calls < (1 << 24)) {
      calls *= 2;
      continue;
    }
    best = took / calls < best ? took / calls : best;
    spent += took;
    ++i;
  }
  return best;
}

}  // namespace octet::bench
