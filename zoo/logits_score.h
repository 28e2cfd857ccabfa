// LogitsScore: how near a converted model's logits come to the float model's, on a few images.
#pragma once

#include <vector>

#include "base/parallel.h"
#include "engine/program.h"
#include "zoo/dataset.h"

namespace octet::zoo {

class LogitsScore {
 public:
  // At most this many of the images that are given, spread over them.
  // Fewer of large ones (fitting_batch()), for their pixels are kept.
  static constexpr size_t kImages = 16;

  // Throws octet::Error when none of the images can be decoded. The pool must outlive this.
  LogitsScore(engine::Program float_program, const Dataset& data,
              const std::vector<size_t>& indices, ParallelFor& pool);
  // SQNR in dB, infinite for equal logits.
  double operator()(engine::Program program) const;

 private:
  std::vector<float> run(engine::Program program) const;

  ParallelFor& pool_;
  size_t elements_ = 0;  // of an image
  size_t images_ = 0;
  std::vector<float> pixels_;  // [images, crop, crop, 3]
  std::vector<float> wanted_;  // [images, classes]
};

}  // namespace octet::zoo
