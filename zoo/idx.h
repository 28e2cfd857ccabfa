// Pictures in idx files: MNIST (LeCun, Cortes and Burges), Fashion-MNIST (Xiao, Rasul and Vollgraf,
// 2017) and others of their form: 28 x 28 grey pixels, 10 classes.
//
// The idx format: big-endian u32 magic (0, 0, 8 for u8, rank), the extents as big-endian u32, then
// the elements; read through zlib, packed or not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zoo/dataset.h"

namespace octet::zoo {

class IdxImages : public Dataset {
 public:
  static constexpr int kSide = 28;

  // Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without .gz, of that folder. Throws
  // octet::Error that says which file is missing or damaged, and how.
  IdxImages(const std::string& folder, Split split, const Preprocessing& preprocessing);

  size_t size() const override { return labels_.size(); }
  int label(size_t i) const override { return labels_[i]; }
  // With its grey in all three channels.
  Image image(size_t i) const override;
  bool holds_fitted_images() const override {
    return preprocessing().resize == kSide && preprocessing().crop == kSide;
  }

 private:
  std::vector<uint8_t> pixels_;  // [n, 28, 28]
  std::vector<uint8_t> labels_;  // [n], 0..9
};

}  // namespace octet::zoo
