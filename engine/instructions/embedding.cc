#include "engine/instructions/embedding.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "engine/instructions/operands.h"

namespace octet::engine {
namespace {

// Element: float, or int8_t with a scale per row.
template <class Element>
struct Table {
  const Element* rows;  // in the program, as the scales
  const float* scale;
  int64_t count;
  size_t width;

  void take(int64_t index, float* to) const {
    if (index < 0 || index >= count) {
      std::fill_n(to, width, std::numeric_limits<float>::quiet_NaN());
      return;
    }
    const Element* row = rows + static_cast<size_t>(index) * width;
    if constexpr (std::is_same_v<Element, float>) {
      std::memcpy(to, row, width * sizeof(float));
    } else {
      for (size_t k = 0; k < width; ++k) to[k] = static_cast<float>(row[k]) * scale[index];
    }
  }
};

template <class Element>
class EmbeddingKernel final : public Kernel {
 public:
  EmbeddingKernel(const Table<Element>& table, size_t indices) : table_(table), indices_(indices) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* indices = reinterpret_cast<const int64_t*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    // 64 KB of output is worth another thread.
    const size_t width = table_.width, n = batch * indices_;
    const size_t block = std::max<size_t>(1, (size_t{1} << 14) / width);
    pool((n + block - 1) / block, [&](size_t begin, size_t end, unsigned) {
      for (size_t i = begin * block; i < std::min(end * block, n); ++i)
        table_.take(indices[i], y + i * width);
    });
  }

  const char* label() const override { return "embedding"; }

 private:
  Table<Element> table_;
  size_t indices_;  // of batch 1
};

template <class Element>
std::unique_ptr<Kernel> make_kernel(const Operands& operands) {
  const Shape& shape = operands.input(1).shape;
  const float* scale = operands.inputs() > 2 ? elements<float>(operands.input(2)) : nullptr;
  const Table<Element> table{elements<Element>(operands.input(1)), scale, shape[0],
                             static_cast<size_t>(shape[1])};
  const auto indices = static_cast<size_t>(operands.input(0).shape.elements());
  return std::make_unique<EmbeddingKernel<Element>>(table, indices);
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_embedding(const Program& program,
                                                 const Instruction& instruction) {
  Operands operands(program, instruction, 1, 2, 3, {}, {.take = Operands::Take::indices});
  if (!operands.ok()) return operands.failure();
  const Shape& indices = operands.input(0).shape;
  const Shape& table = operands.input(1).shape;
  const bool quantized = operands.inputs() == 3;
  operands.require(table.rank() == 2, "weight has shape ", table, ", not [num, dim]");
  operands.require(indices.rank() < Shape::kMaxRank, "indices have shape ", indices);
  if (!operands.ok()) return operands.failure();
  operands.require_constant(1, "weight", quantized ? DType::s8 : DType::f32, table);
  if (quantized) operands.require_constant(2, "weight_scale", DType::f32, {table[0]});
  Shape expected = indices;
  expected.push_back(table[1]);
  operands.require_value("output", operands.output(), DType::f32, expected);
  if (!operands.ok()) return operands.failure();
  return quantized ? make_kernel<int8_t>(operands) : make_kernel<float>(operands);
}

}  // namespace octet::engine
