#include "engine/instructions/concat.h"

#include <algorithm>
#include <array>
#include <vector>

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/channels.h"
#include "kernels/channels_ref.h"
#include "kernels/table_u8.h"
#include "kernels/table_u8_ref.h"

namespace octet::engine {
namespace {

using kernels::channels::Rows;

// From the integers of an input to those of the output.
struct Table {
  std::array<uint8_t, 256> entries;
  bool is_identity = true;

  Table(const QParams& x, const QParams& y) {
    const float inverse = 1.0f / y.scale;
    for (int32_t q = 0; q < 256; ++q) {
      const float real = dequantize_value(q, x);
      entries[q] = static_cast<uint8_t>(quantize_value(real, inverse, y));
      is_identity = is_identity && entries[q] == q;
    }
  }
};

// One input.
struct Part {
  size_t channels, start;      // in the output's rows
  std::optional<Table> table;  // none: copied
};

template <class T>
class Concat final : public Kernel {
 public:
  Concat(std::vector<Part> parts, size_t rows, size_t channels)
      : parts_(std::move(parts)), rows_(rows), channels_(channels) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    // All inputs of a block, so that the output is written while it is near.
    run_row_blocks(batch * rows_, channels_, pool, [&](size_t first, size_t count) {
      for (size_t i = 0; i < parts_.size(); ++i) put(i, first, count, values, Kernels());
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    for (size_t i = 0; i < parts_.size(); ++i) put(i, 0, batch * rows_, values, References());
  }

  const char* label() const override { return "concat"; }

 private:
  struct Kernels {
    static void copy(const Rows& rows, const T* x, T* y) { kernels::channels::copy(rows, x, y); }
    static void map(const uint8_t* table, const Rows& rows, const uint8_t* x, uint8_t* y) {
      kernels::table_u8::run_rows(table, rows, x, y);
    }
  };
  struct References {
    static void copy(const Rows& rows, const T* x, T* y) {
      kernels::ref::channels::copy(rows, x, y);
    }
    static void map(const uint8_t* table, const Rows& rows, const uint8_t* x, uint8_t* y) {
      kernels::ref::table_u8::run_rows(table, rows, x, y);
    }
  };

  // Rows [first, first + count) of input i to where they belong.
  template <class By>
  void put(size_t i, size_t first, size_t count, std::span<std::byte* const> values, By by) const {
    const Part& part = parts_[i];
    const Rows rows{count, part.channels, part.channels, channels_};
    const T* x = reinterpret_cast<const T*>(values[i]) + first * part.channels;
    T* y = reinterpret_cast<T*>(values[parts_.size()]) + first * channels_ + part.start;
    if constexpr (sizeof(T) == 1) {
      if (part.table) {
        by.map(part.table->entries.data(), rows, x, y);
        return;
      }
    }
    by.copy(rows, x, y);
  }

  std::vector<Part> parts_;
  size_t rows_;      // for batch 1
  size_t channels_;  // of the output
};

// Everything but the channels of input i is as in the output.
void require_same_rows(Operands& operands, size_t i) {
  const Shape& x = operands.input(i).shape;
  const Shape& y = operands.output().shape;
  Shape rows = x;
  if (x.rank() == y.rank()) rows[x.rank() - 1] = y[x.rank() - 1];
  operands.require(x.rank() > 1 && rows == y, "input ", i, " is ", x, ", output ", y,
                   "; they differ in more than channels");
  operands.require_same_dtype(i);
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_concat(const Program& program,
                                              const Instruction& instruction) {
  const size_t inputs = instruction.inputs.size();
  Operands operands(program, instruction, inputs, 1, std::max<size_t>(inputs, 1), {});
  if (!operands.ok()) return operands.failure();
  const Value& y = operands.output();
  std::vector<Part> parts;
  size_t channels = 0;
  for (size_t i = 0; i < inputs; ++i) {
    require_same_rows(operands, i);
    if (!operands.ok()) return operands.failure();
    const Value& x = operands.input(i);
    const auto own = static_cast<size_t>(x.shape[x.shape.rank() - 1]);
    parts.push_back({own, channels, std::nullopt});
    channels += own;
    if (!x.qparams) continue;
    const Table table(*x.qparams, *y.qparams);
    if (!table.is_identity) parts.back().table = table;
  }
  const auto expected = static_cast<size_t>(y.shape[y.shape.rank() - 1]);
  operands.require(channels == expected, "inputs have ", channels, " channels, output ", y.shape,
                   " has ", expected);
  if (!operands.ok()) return operands.failure();
  const size_t rows = static_cast<size_t>(y.shape.elements()) / channels;
  if (operands.quantized())
    return std::unique_ptr<Kernel>(new Concat<uint8_t>(std::move(parts), rows, channels));
  return std::unique_ptr<Kernel>(new Concat<float>(std::move(parts), rows, channels));
}

}  // namespace octet::engine
