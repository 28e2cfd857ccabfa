// CIFAR-10 (Krizhevsky, 2009) in its binary form: files of records of 3073 bytes, the label 0..9,
// then 1024 bytes of red, 1024 of green, 1024 of blue, row by row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "zoo/dataset.h"

namespace octet::zoo {

class Cifar10Images : public Dataset {
 public:
  static constexpr int kSide = 32;

  // Reads all data_batch_*.bin of the folder, in the order of their names, or test_batch.bin.
  // Throws octet::Error with the path and the reason: no such file, a record that is cut off, a
  // label above 9, a file without records.
  Cifar10Images(const std::string& folder, Split split, const Preprocessing& preprocessing);

  size_t size() const override { return labels_.size(); }
  int label(size_t i) const override { return labels_[i]; }
  Image image(size_t i) const override;
  bool holds_fitted_images() const override {
    return preprocessing().resize == kSide && preprocessing().crop == kSide;
  }

 private:
  void append_file(const std::string& path);

  std::vector<uint8_t> pixels_;  // [n, 32, 32, 3]
  std::vector<uint8_t> labels_;  // [n]
};

}  // namespace octet::zoo
