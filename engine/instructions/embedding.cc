#include "engine/instructions/embedding.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/instructions/operands.h"

namespace octet::engine {
namespace {

class EmbeddingKernel final : public Kernel {
 public:
  EmbeddingKernel(const float* table, int64_t rows, size_t width, size_t indices)
      : table_(table), rows_(rows), width_(width), indices_(indices) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* indices = reinterpret_cast<const int64_t*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    // 64 KB of output is worth another thread.
    const size_t block = std::max<size_t>(1, (size_t{1} << 14) / width_), n = batch * indices_;
    pool((n + block - 1) / block, [&](size_t begin, size_t end, unsigned) {
      for (size_t i = begin * block; i < std::min(end * block, n); ++i)
        take(indices[i], y + i * width_);
    });
  }

  const char* label() const override { return "embedding"; }

 private:
  void take(int64_t index, float* to) const {
    if (index < 0 || index >= rows_) {
      std::fill_n(to, width_, std::numeric_limits<float>::quiet_NaN());
    } else {
      std::memcpy(to, table_ + static_cast<size_t>(index) * width_, width_ * sizeof(float));
    }
  }

  const float* table_;  // in the program
  int64_t rows_;
  size_t width_;
  size_t indices_;  // of batch 1
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_embedding(const Program& program,
                                                 const Instruction& instruction) {
  Operands operands(program, instruction, 1, 2, 2, {}, Operands::Take::indices);
  if (!operands.ok()) return operands.failure();
  const Shape& indices = operands.input(0).shape;
  const Shape& table = operands.input(1).shape;
  operands.require(table.rank() == 2, "weight has shape ", table, ", not [num, dim]");
  operands.require(indices.rank() < Shape::kMaxRank, "indices have shape ", indices);
  if (!operands.ok()) return operands.failure();
  operands.require_constant(1, "weight", DType::f32, table);
  Shape expected = indices;
  expected.push_back(table[1]);
  operands.require(operands.output().shape == expected && operands.output().dtype == DType::f32,
                   "output is ", name_of(operands.output().dtype), " ", operands.output().shape,
                   ", not f32 ", expected);
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new EmbeddingKernel(elements<float>(operands.input(1)), table[0],
                                                     static_cast<size_t>(table[1]),
                                                     static_cast<size_t>(indices.elements())));
}

}  // namespace octet::engine
