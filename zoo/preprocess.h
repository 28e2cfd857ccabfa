// What a classifier wants to be done with an image before it sees it, as torchvision's
// Resize(resize), CenterCrop(crop), ToTensor, Normalize(mean, std).
//
//   out[y, x, c] = (pixel / 255 - mean[c]) / std[c]     each operation rounded to f32
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/program.h"
#include "tensor/tensor.h"
#include "zoo/image.h"

namespace octet::zoo {

struct Preprocessing {
  int resize = 256;  // the shorter side
  int crop = 224;    // <= resize
  std::array<float, 3> mean = {0.485f, 0.456f, 0.406f};
  std::array<float, 3> std = {0.229f, 0.224f, 0.225f};  // > 0

  // Floats of one prepared image.
  size_t elements() const { return size_t{3} * crop * crop; }
  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

// The part of the image that the network sees, [crop, crop, 3].
Image fit(const Image& image, const Preprocessing& how);

// Pixels to floats. A channel has 256 values: a table gives each its exact quotient once.
class Normalizer {
 public:
  explicit Normalizer(const Preprocessing& how);
  // out: a float for each byte of the image's pixels.
  void operator()(const Image& image, float* out) const;

 private:
  float table_[3][256];
};

// fit and Normalizer in one. out: elements() floats, [crop, crop, 3].
void preprocess(const Image& image, const Preprocessing& how, float* out);
// [1, crop, crop, 3]
Tensor preprocess(const Image& image, const Preprocessing& how);

// As metadata "preprocess.resize", "preprocess.crop", "preprocess.mean", "preprocess.std" of a
// model file; numbers keep all their bits. Reading gives the defaults for what is not there and
// throws octet::Error for what makes no sense.
void write_metadata(const Preprocessing& how, engine::Program& program);
Preprocessing read_metadata(const engine::Program& program);
// As metadata "classes" of a model file, one name a line: the outputs' names (classifier.h).
void write_classes(const std::vector<std::string>& names, engine::Program& program);

}  // namespace octet::zoo
