// Sums along a row, the specification: element i is added to partial sum i mod 16, and these are
// added in pairs, 8 apart, then 4, 2 and 1 apart. Every addition is rounded.
#pragma once

#include <cstddef>

namespace octet::kernels::ref {

inline constexpr size_t kPartialSums = 16;

inline float sum_of_partials(float* partials) {
  for (size_t apart = kPartialSums / 2; apart > 0; apart /= 2)
    for (size_t i = 0; i < apart; ++i) partials[i] += partials[i + apart];
  return partials[0];
}

// Of term(i) over [0, n).
template <class Term>
float sum_row(size_t n, const Term& term) {
  float partials[kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) partials[i % kPartialSums] += term(i);
  return sum_of_partials(partials);
}

}  // namespace octet::kernels::ref
