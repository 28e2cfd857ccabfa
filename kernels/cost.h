// cost: how long a layer takes on the current target, estimated from its shape before it runs.
//
// A kernel with weights counts in `cost` what `run` will do, from the constants that run has: the
// vector instructions of its register tiles, rows and columns that only fill a tile included, and
// how often it passes over its weights. The unit is the slot, the time of one vector multiply-add.
// In each slot a core starts one multiplication, one load or store and one other vector
// instruction (x86 and Arm: two of each a cycle, or one of each where vectors are as wide as
// AVX-512 on Zen 4): the most frequent of the three decides what a loop takes.
//
//   seconds = max(slots / slots_per_second, seconds of bytes) + call_seconds
//
// (Williams et al., "Roofline", 2009): memory is read ahead while the core computes. What it leaves
// out: latencies, branches, threads, addresses that collide in a cache, and how far a machine's
// ports differ from the above. It is an estimate; bench/models shows it beside what is measured.
#pragma once

#include <algorithm>
#include <cstddef>

namespace octet::kernels {

// Vector instructions of a loop, by what they compete for.
struct Instructions {
  double multiplies = 0;  // multiplications and multiply-adds
  double loads = 0;       // and stores, broadcasts from memory, prefetches
  double others = 0;      // additions, conversions, shuffles

  double slots() const { return std::max({multiplies, loads, others}); }
};

inline Instructions operator+(const Instructions& a, const Instructions& b) {
  return {a.multiplies + b.multiplies, a.loads + b.loads, a.others + b.others};
}
inline Instructions operator*(double n, const Instructions& a) {
  return {n * a.multiplies, n * a.loads, n * a.others};
}

// A layer on one core.
struct Cost {
  double slots = 0;
  double weight_bytes = 0;      // packed
  double weight_passes = 1;     // how often they are read
  double activation_bytes = 0;  // read and written
};

// What a core does in a second.
struct Rates {
  double slots;             // vector multiply-adds in registers
  double near_bytes;        // from the cache that is a core's own (L2)
  double far_bytes;         // from what is behind it
  double cache_bytes;       // size of that cache
  double call_seconds = 0;  // to begin and to end a layer
};

// A core of 3 GHz with two vector multiply-adds and a line of L2 every two cycles, for estimates
// that shall be the same wherever they are made.
constexpr Rates nominal_rates() {
  return {.slots = 6e9,
          .near_bytes = 96e9,
          .far_bytes = 24e9,
          .cache_bytes = 1 << 20,
          .call_seconds = 200e-9};
}

// Weights come from far once, for the layers between two runs have pushed them out, and then from
// near if they fit; activations were just written.
inline double estimate_seconds(const Cost& cost, const Rates& rates) {
  const auto again = [&](double bytes) {
    return bytes / (bytes <= rates.cache_bytes ? rates.near_bytes : rates.far_bytes);
  };
  const double weights = cost.weight_bytes / rates.far_bytes +
                         std::max(cost.weight_passes - 1, 0.0) * again(cost.weight_bytes);
  return std::max(cost.slots / rates.slots, weights + again(cost.activation_bytes)) +
         rates.call_seconds;
}

// 1 to f32 of s32 sums with a multiplier, requantized to u8 (requantize-inl.h): of each vector of
// sums a conversion, a product, a rounding; packing, zero point and range for four at once.
constexpr Instructions kRequantize = {.multiplies = 1, .loads = 1.25, .others = 4};
// Clamped and stored.
constexpr Instructions kClamp = {.multiplies = 0, .loads = 1, .others = 2};

}  // namespace octet::kernels
