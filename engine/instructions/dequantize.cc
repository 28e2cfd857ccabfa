#include "engine/instructions/dequantize.h"

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/quantize.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_dequantize(const Program& program,
                                                  const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  const Value& x = operands.input(0);
  const Value& y = operands.output();
  operands.require(x.dtype == DType::u8 && y.dtype == DType::f32, "is from ", name_of(x.dtype),
                   " to ", name_of(y.dtype), ", not from u8 to f32");
  operands.require(x.shape == y.shape, "input ", x.shape, " and output ", y.shape, " differ");
  if (!operands.ok()) return operands.failure();
  const QParams qparams = *x.qparams;
  return make_map_kernel<uint8_t, float>(
      "dequantize", y.shape.elements(),
      [=](const uint8_t* from, float* to, size_t n) {
        kernels::quantize::dequantize(from, to, n, qparams);
      },
      [=](uint8_t q) { return kernels::ref::quantize::dequantize(q, qparams); });
}

}  // namespace octet::engine
