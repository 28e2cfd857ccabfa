#include "engine/instructions/quantize.h"

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/quantize.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_quantize(const Program& program,
                                                const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  const Value& x = operands.input(0);
  const Value& y = operands.output();
  operands.require(x.dtype == DType::f32 && y.dtype == DType::u8, "is from ", name_of(x.dtype),
                   " to ", name_of(y.dtype), ", not from f32 to u8");
  operands.require(x.shape == y.shape, "input ", x.shape, " and output ", y.shape, " differ");
  if (!operands.ok()) return operands.failure();
  const QParams qparams = *y.qparams;
  return make_map_kernel<float, uint8_t>(
      "quantize", y.shape.elements(),
      [=](const float* from, uint8_t* to, size_t n) {
        kernels::quantize::quantize(from, to, n, qparams);
      },
      [=](float value) { return kernels::ref::quantize::quantize(value, qparams); });
}

}  // namespace octet::engine
