#include "engine/instructions/linear.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/weighted.h"

namespace octet::engine {

// A convolution of 1x1 images: the rows are the batch.
Result<std::unique_ptr<Kernel>> create_linear(const Program& program,
                                              const Instruction& instruction) {
  Operands operands(program, instruction, 1, 3, 4, {"lo", "hi", "quant_min", "quant_max"});
  if (!operands.ok()) return operands.failure();
  kernels::Conv2dGeometry g;
  g.batch = operands.require_rows();
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  const int64_t inputs = x[x.rank() - 1], outputs = y[y.rank() - 1];
  g.in_c = static_cast<size_t>(inputs);
  g.out_c = static_cast<size_t>(outputs);
  return bind_weighted(operands, g, {outputs, inputs});
}

}  // namespace octet::engine
