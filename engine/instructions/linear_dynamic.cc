#include "engine/instructions/linear_dynamic.h"

#include "engine/instructions/rows_product.h"

namespace octet::engine {
namespace {

class LinearDynamicKernel final : public Kernel {
 public:
  LinearDynamicKernel(const RowsProduct<DynamicRows>& product, size_t rows, size_t macs)
      : product_(product), rows_(rows), macs_(macs) {}

  size_t workspace_bytes(size_t batch) const override {
    return product_.workspace_bytes(batch * rows_);
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    product_.run(batch * rows_, reinterpret_cast<const float*>(values.front()),
                 reinterpret_cast<float*>(values.back()), {workspace, workspace_bytes(batch)},
                 pool);
  }

  void run_reference(size_t batch, std::span<std::byte* const> values,
                     std::byte* workspace) const override {
    product_.run_reference(batch * rows_, reinterpret_cast<const float*>(values.front()),
                           reinterpret_cast<float*>(values.back()), {workspace, 0});
  }

  kernels::Cost cost(size_t batch) const override { return product_.cost(batch * rows_); }
  size_t macs() const override { return macs_; }
  const char* label() const override { return "dynamic_rows"; }
  size_t packed_bytes() const override { return product_.packed_bytes(); }
  void pack(std::byte* memory) override { product_.pack(memory); }

 private:
  RowsProduct<DynamicRows> product_;
  size_t rows_, macs_;  // of batch 1
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_linear_dynamic(const Program& program,
                                                      const Instruction& instruction) {
  Operands operands(program, instruction, 1, 4, 4, {"lo", "hi"});
  if (!operands.ok()) return operands.failure();
  const size_t rows = operands.require_rows();
  operands.require(!operands.quantized(), "input is u8, not f32");
  operands.require_same_dtype(0);
  const RealRange range = operands.real_range();
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  DynamicRows::Params params =
      DynamicRows::read(operands, 1, x[x.rank() - 1], y[y.rank() - 1], operands.input(0));
  params.lo = range.lo;
  params.hi = range.hi;
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new LinearDynamicKernel(RowsProduct<DynamicRows>(params), rows,
                                                         rows * params.inputs * params.outputs));
}

}  // namespace octet::engine
