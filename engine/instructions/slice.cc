#include "engine/instructions/slice.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/channels.h"
#include "kernels/channels_ref.h"

namespace octet::engine {
namespace {

using kernels::channels::Rows;

template <class T>
class Slice final : public Kernel {
 public:
  // rows: for batch 1.
  Slice(size_t begin, const Rows& rows) : begin_(begin), rows_(rows) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    run_row_blocks(batch * rows_.rows, rows_.n, pool, [&](size_t first, size_t count) {
      const T* x = reinterpret_cast<const T*>(values[0]) + first * rows_.x_stride + begin_;
      kernels::channels::copy(with_rows(count), x,
                              reinterpret_cast<T*>(values[1]) + first * rows_.n);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::channels::copy(with_rows(batch * rows_.rows),
                                 reinterpret_cast<const T*>(values[0]) + begin_,
                                 reinterpret_cast<T*>(values[1]));
  }

  const char* label() const override { return "slice"; }

 private:
  Rows with_rows(size_t count) const {
    Rows rows = rows_;
    rows.rows = count;
    return rows;
  }

  size_t begin_;
  Rows rows_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_slice(const Program& program,
                                             const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {"begin"});
  if (!operands.ok()) return operands.failure();
  const size_t begin = operands.size("begin", 0, 0);
  const Shape &x = operands.input(0).shape, &y = operands.output().shape;
  Shape rows = x;
  if (x.rank() == y.rank()) rows[x.rank() - 1] = y[x.rank() - 1];
  operands.require(x.rank() > 1 && rows == y, "input ", x, " and output ", y,
                   " differ in more than channels");
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  const auto channels = static_cast<size_t>(x[x.rank() - 1]);
  const auto n = static_cast<size_t>(y[y.rank() - 1]);
  operands.require(n <= channels && begin <= channels - n, "channels from ", begin, " on, ", n,
                   " of them, are not within those of ", x);
  if (!operands.ok()) return operands.failure();
  const Rows part{static_cast<size_t>(x.elements()) / channels, n, channels, n};
  if (operands.quantized()) return std::unique_ptr<Kernel>(new Slice<uint8_t>(begin, part));
  return std::unique_ptr<Kernel>(new Slice<float>(begin, part));
}

}  // namespace octet::engine
