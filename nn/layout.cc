#include "nn/layout.h"

#include <cstring>

namespace octet::nn {
namespace {

// y[o, j, i] = x[o, i, j] for x: [outer, rows, columns].
void transpose(const float* x, float* y, int64_t outer, int64_t rows, int64_t columns) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) y[j * rows + i] = x[i * columns + j];
    x += rows * columns;
    y += rows * columns;
  }
}

}  // namespace

Shape stored_shape(const Tensor& tensor) {
  const Shape& s = tensor.shape();
  return s.rank() == 4 ? Shape{s[0], s[3], s[1], s[2]} : s;
}

Tensor to_oihw(const Tensor& tensor) {
  Tensor stored = Tensor::zeros(stored_shape(tensor));
  transpose(tensor.data<float>(), stored.data<float>(), tensor.dim(0),
            tensor.dim(1) * tensor.dim(2), tensor.dim(3));
  return stored;
}

void copy_stored(const Tensor& from, const Tensor& to) {
  if (to.rank() == 4) {
    transpose(from.data<float>(), to.data<float>(), to.dim(0), to.dim(3), to.dim(1) * to.dim(2));
  } else {
    std::memcpy(to.raw(), from.raw(), to.bytes());
  }
}

}  // namespace octet::nn
