#include "engine/instructions/clamp.h"

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/elementwise_f32.h"
#include "kernels/elementwise_f32_ref.h"
#include "kernels/quantize.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_clamp(const Program& program,
                                             const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {"lo", "hi", "quant_min", "quant_max"});
  if (!operands.ok()) return operands.failure();
  const Shape& shape = operands.output().shape;
  operands.require(operands.input(0).shape == shape, "input ", operands.input(0).shape,
                   " and output ", shape, " differ");
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();

  if (operands.quantized()) {
    const kernels::OutputRange range = operands.integer_range();
    if (!operands.ok()) return operands.failure();
    const auto lo = static_cast<uint8_t>(range.quant_min);
    const auto hi = static_cast<uint8_t>(range.quant_max);
    return make_map_kernel<uint8_t, uint8_t>(
        "clamp_u8", shape.elements(),
        [=](const uint8_t* x, uint8_t* y, size_t n) { kernels::quantize::clamp(x, y, n, lo, hi); },
        [=](uint8_t x) { return kernels::ref::quantize::clamp(x, lo, hi); });
  }
  const RealRange range = operands.real_range();
  if (!operands.ok()) return operands.failure();
  return make_map_kernel<float, float>(
      "clamp_f32", shape.elements(),
      [=](const float* x, float* y, size_t n) {
        kernels::elementwise_f32::clamp(x, y, n, range.lo, range.hi);
      },
      [=](float x) { return kernels::ref::elementwise_f32::clamp(x, range.lo, range.hi); });
}

}  // namespace octet::engine
