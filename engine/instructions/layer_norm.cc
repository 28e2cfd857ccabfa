#include "engine/instructions/layer_norm.h"

#include <cmath>

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/layer_norm_f32.h"
#include "kernels/layer_norm_f32_ref.h"

namespace octet::engine {
namespace {

using kernels::layer_norm_f32::Params;

class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(const Params& params, size_t rows) : params_(params), rows_(rows) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    run_row_blocks(batch * rows_, params_.n, pool, [&](size_t first, size_t count) {
      kernels::layer_norm_f32::run(params_, count, x + first * params_.n, y + first * params_.n,
                                   nullptr);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::layer_norm_f32::run(params_, batch * rows_,
                                      reinterpret_cast<const float*>(values.front()),
                                      reinterpret_cast<float*>(values.back()));
  }

  const char* label() const override { return "layer_norm_f32"; }

 private:
  Params params_;  // weights lie in the program
  size_t rows_;    // of batch 1
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_layer_norm(const Program& program,
                                                  const Instruction& instruction) {
  Operands operands(program, instruction, 1, 3, 3, {"eps"});
  if (!operands.ok()) return operands.failure();
  const size_t rows = operands.require_rows();
  operands.require_f32_alike();
  const float eps = operands.real("eps");
  operands.require(eps >= 0.0f && std::isfinite(eps), "eps is ", eps, ", not 0 or more");
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const int64_t n = x[x.rank() - 1];
  operands.require_constant(1, "weight", DType::f32, {n});
  operands.require_constant(2, "bias", DType::f32, {n});
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(
      new LayerNormKernel({static_cast<size_t>(n), elements<float>(operands.input(1)),
                           elements<float>(operands.input(2)), eps},
                          rows));
}

}  // namespace octet::engine
