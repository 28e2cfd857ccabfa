#include "engine/instructions/add_constant.h"

#include <limits>

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/elementwise_f32.h"

namespace octet::engine {
namespace {

class AddConstant final : public Kernel {
 public:
  AddConstant(const float* constant, size_t elements) : constant_(constant), elements_(elements) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    for (size_t n = 0; n < batch; ++n, x += elements_, y += elements_)
      run_blocks(elements_, pool, [&](size_t first, size_t count) {
        kernels::elementwise_f32::add(x + first, constant_ + first, y + first, count, -kInfinity,
                                      kInfinity);
      });
  }

  const char* label() const override { return "add_f32"; }

 private:
  const float* constant_;  // in the program
  size_t elements_;        // of batch 1
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_add_constant(const Program& program,
                                                    const Instruction& instruction) {
  Operands operands(program, instruction, 1, 2, 2, {});
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  operands.require_f32_alike();
  operands.require_constant(1, "constant", DType::f32, x);
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(
      new AddConstant(elements<float>(operands.input(1)), static_cast<size_t>(x.elements())));
}

}  // namespace octet::engine
