#include "nn/matrix.h"

#include "nn/op_support.h"

namespace octet::nn {

using namespace kernels;

PackedMatrix::PackedMatrix(const float* b, int64_t out, int64_t in, const float* bias)
    : params_{.geometry = {.in_c = static_cast<size_t>(in), .out_c = static_cast<size_t>(out)},
              .weight = b,
              .bias = bias},
      packed_(conv_f32::packed_bytes(params_)) {
  OCTET_CHECK(packed_.data() != nullptr, "matrix: no memory for ", conv_f32::packed_bytes(params_),
              " bytes");
  conv_f32::pack(params_, packed_.data());
  params_.weight = params_.bias = nullptr;  // read by pack only
}

void PackedMatrix::multiply(const float* x, int64_t rows, float* y) const {
  conv_f32::Params params = params_;
  params.geometry.batch = static_cast<size_t>(rows);
  run_tasks(conv_f32::work(params), [&](std::byte* workspace, size_t begin, size_t end) {
    conv_f32::run(params, packed_.data(), x, y, workspace, begin, end);
  });
}

void transpose_matrix(const float* x, int64_t rows, int64_t columns, float* y) {
  // Squares of 16 x 16: a cache line each way.
  constexpr int64_t kSquare = 16;
  default_pool()(static_cast<size_t>((rows + kSquare - 1) / kSquare),
                 [&](size_t begin, size_t end, unsigned) {
                   const int64_t last = std::min(static_cast<int64_t>(end) * kSquare, rows);
                   for (int64_t r = static_cast<int64_t>(begin) * kSquare; r < last; r += kSquare)
                     for (int64_t c = 0; c < columns; c += kSquare)
                       for (int64_t j = c; j < std::min(c + kSquare, columns); ++j)
                         for (int64_t i = r; i < std::min(r + kSquare, last); ++i)
                           y[j * rows + i] = x[i * columns + j];
                 });
}

}  // namespace octet::nn
