#include "engine/instructions/softmax.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/activation_f32.h"
#include "kernels/activation_f32_ref.h"

namespace octet::engine {
namespace {

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(size_t rows, size_t n) : rows_(rows), n_(n) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    run_row_blocks(batch * rows_, n_, pool, [&](size_t first, size_t count) {
      for (size_t row = first; row < first + count; ++row)
        kernels::activation_f32::softmax(x + row * n_, y + row * n_, n_);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    for (size_t row = 0; row < batch * rows_; ++row)
      kernels::ref::activation_f32::softmax_f32(x + row * n_, y + row * n_, n_);
  }

  const char* label() const override { return "softmax_f32"; }

 private:
  size_t rows_;  // of batch 1
  size_t n_;     // elements of a row
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_softmax(const Program& program,
                                               const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  const size_t rows = operands.require_rows();
  operands.require_f32_alike();
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const auto n = static_cast<size_t>(x[x.rank() - 1]);
  return std::unique_ptr<Kernel>(new SoftmaxKernel(rows, n));
}

}  // namespace octet::engine
