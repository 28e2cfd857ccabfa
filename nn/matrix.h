// matrix: products of row-major f32 matrices, by kernels/conv_f32.h, for ops that need more than a
// linear layer: attention, recurrent layers, gradients.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "kernels/conv_f32.h"

namespace octet::nn {

// A right side, ready for any number of products: y = x b^T. One bias per row of b or null.
class PackedMatrix {
 public:
  // b: [out, in], out and in > 0; not needed afterwards. Throws octet::Error when memory is short.
  PackedMatrix(const float* b, int64_t out, int64_t in, const float* bias = nullptr);
  // x: [rows, in] -> y: [rows, out], on the threads of default_pool().
  void multiply(const float* x, int64_t rows, float* y) const;

 private:
  kernels::conv_f32::Params params_;
  AlignedBuffer packed_;
};

// x: [rows, columns] -> y: [columns, rows]; no overlap.
void transpose_matrix(const float* x, int64_t rows, int64_t columns, float* y);

}  // namespace octet::nn
