// Small images made from a seed, for tests that have no real ones.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "zoo/dataset.h"

namespace octet {

// A base colour with noise over it, so that images differ as a whole and within themselves.
inline zoo::Image generated_image(int height, int width, uint64_t seed) {
  Rng rng(seed);
  zoo::Image image{height, width, {}};
  int base[3];
  for (int& b : base) b = static_cast<int>(rng.integer(32, 223));
  for (int i = 0; i < height * width * 3; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(base[i % 3] + rng.integer(-32, 32)));
  }
  return image;
}

// Already of the size that the network takes.
class GeneratedImages : public zoo::Dataset {
 public:
  GeneratedImages(size_t size, int side)
      : Dataset({.resize = side, .crop = side}), size_(size), side_(side) {}
  size_t size() const override { return size_; }
  int label(size_t i) const override { return static_cast<int>(i); }
  zoo::Image image(size_t i) const override { return generated_image(side_, side_, i); }

 private:
  size_t size_;
  int side_;
};

}  // namespace octet
