#include "engine/instructions/reshape.h"

#include <cstring>

#include "engine/check_program.h"
#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"

namespace octet::engine {
namespace {

class Copy final : public Kernel {
 public:
  explicit Copy(size_t bytes) : bytes_(bytes) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const std::byte* x = values[0];
    std::byte* y = values[1];
    if (x == y) return;  // planned in place
    run_blocks(batch * bytes_, pool,
               [&](size_t first, size_t count) { std::memcpy(y + first, x + first, count); });
  }

  const char* label() const override { return "copy"; }

 private:
  size_t bytes_;  // for batch 1
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_reshape(const Program& program,
                                               const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  operands.require(operands.input(0).shape.elements() == operands.output().shape.elements(),
                   "input ", operands.input(0).shape, " and output ", operands.output().shape,
                   " differ in size");
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new Copy(value_bytes(operands.output())));
}

}  // namespace octet::engine
