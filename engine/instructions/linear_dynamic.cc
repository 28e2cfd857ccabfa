#include "engine/instructions/linear_dynamic.h"

#include <utility>

#include "engine/instructions/dynamic_weights.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/dynamic_rows_ref.h"

namespace octet::engine {
namespace {

namespace kernel = kernels::dynamic_rows;

class LinearDynamicKernel final : public Kernel {
 public:
  explicit LinearDynamicKernel(DynamicRows rows) : rows_(std::move(rows)) {}

  size_t workspace_bytes(size_t batch) const override {
    return align_up(kernel::work(rows_.with_rows(batch)).workspace_bytes);
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const kernel::Params params = rows_.with_rows(batch);
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    run_tasks(kernel::work(params), workspace, pool,
              [&](std::byte* thread_workspace, size_t begin, size_t end) {
                kernel::run(params, rows_.packed.data(), x, y, thread_workspace, begin, end);
              });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::dynamic_rows::run(rows_.with_rows(batch),
                                    reinterpret_cast<const float*>(values.front()),
                                    reinterpret_cast<float*>(values.back()));
  }

  size_t macs() const override { return rows_.params.inputs * rows_.params.outputs; }
  const char* label() const override { return "dynamic_rows"; }
  size_t packed_bytes() const override { return rows_.packed.size(); }

 private:
  DynamicRows rows_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_linear_dynamic(const Program& program,
                                                      const Instruction& instruction) {
  Operands operands(program, instruction, 1, 4, 4, {"lo", "hi"});
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  operands.require(x.rank() == 2 && y.rank() == 2, "input ", x, " and output ", y,
                   " are not rows of vectors, [n, features]");
  operands.require(!operands.quantized(), "input is u8, not f32");
  operands.require_same_dtype(0);
  const RealRange range = operands.real_range();
  if (!operands.ok()) return operands.failure();
  kernel::Params params = dynamic_weights(operands, 1, x[1], y[1]);
  params.lo = range.lo;
  params.hi = range.hi;
  if (!operands.ok()) return operands.failure();
  DynamicRows rows(operands, params);
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new LinearDynamicKernel(std::move(rows)));
}

}  // namespace octet::engine
