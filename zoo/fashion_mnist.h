// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 28 x 28 grey pictures of clothes in 10 classes,
// as Debian packages it.
//
// The idx format: big-endian u32 magic (0, 0, 8 for u8, rank), the extents as big-endian u32, then
// the elements; read through zlib, packed or not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zoo/image.h"

namespace octet::zoo {

// Where the Debian package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

struct FashionMnist {
  static constexpr int kSide = 28;
  std::vector<uint8_t> pixels;  // [n, 28, 28]
  std::vector<uint8_t> labels;  // [n], 0..9

  size_t size() const { return labels.size(); }
  // The i-th picture with its grey in all three channels.
  Image image(size_t i) const;
};

// test: the 10,000 test pictures, else the 60,000 for training. Throws octet::Error that says which
// package is missing, or which file is damaged and how.
FashionMnist read_fashion_mnist(bool test, const std::string& folder = kFashionMnistFolder);

}  // namespace octet::zoo
