// Records of a CIFAR-10 file in its binary form: the label, then 32 x 32 red, green and blue bytes.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "zoo/dataset.h"

namespace octet {

class Cifar10File : public zoo::Dataset {
 public:
  explicit Cifar10File(const std::string& path) : Dataset({.resize = kSide, .crop = kSide}) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  size_t size() const override { return bytes_.size() / kRecord; }
  int label(size_t i) const override { return bytes_[i * kRecord]; }
  zoo::Image image(size_t i) const override {
    zoo::Image image{kSide, kSide, std::vector<uint8_t>(3 * kPlane)};
    for (size_t c = 0; c < 3; ++c)
      for (size_t p = 0; p < kPlane; ++p)
        image.pixels[3 * p + c] = bytes_[i * kRecord + 1 + c * kPlane + p];
    return image;
  }

 private:
  static constexpr int kSide = 32;
  static constexpr size_t kPlane = size_t{kSide} * kSide, kRecord = 1 + 3 * kPlane;
  std::vector<uint8_t> bytes_;
};

}  // namespace octet
