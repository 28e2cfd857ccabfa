// Data sets in idx files (zoo/idx.h) that a small network learns.
#pragma once

#include <string>

#include "base/rng.h"
#include "base/temp_folder_testing.h"

namespace octet {

inline std::string big_endian(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

// Pictures of noise with a bright row that says which of ten classes they are of. name: "train" or
// "t10k".
inline void write_pictures(const TempFolder& folder, const std::string& name, uint32_t count,
                           uint64_t seed) {
  Rng rng(seed);
  std::string pixels = big_endian(0x803) + big_endian(count) + big_endian(28) + big_endian(28);
  std::string labels = big_endian(0x801) + big_endian(count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto label = static_cast<int>(rng.below(10));
    labels += static_cast<char>(label);
    for (int p = 0; p < 28 * 28; ++p)
      pixels += static_cast<char>(p / 28 / 2 == label + 2 ? 255 : rng.below(120));
  }
  folder.write(name + "-images-idx3-ubyte", pixels);
  folder.write(name + "-labels-idx1-ubyte", labels);
}

}  // namespace octet
