#include "engine/instructions/linear.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/weighted.h"

namespace octet::engine {

// A convolution of 1x1 images: the rows are the batch.
Result<std::unique_ptr<Kernel>> create_linear(const Program& program,
                                              const Instruction& instruction) {
  Operands operands(program, instruction, 1, 3, 4, {"lo", "hi", "quant_min", "quant_max"});
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  operands.require(x.rank() == 2 && y.rank() == 2, "input ", x, " and output ", y,
                   " are not rows of vectors, [n, features]");
  if (!operands.ok()) return operands.failure();
  kernels::Conv2dGeometry g;
  g.in_c = static_cast<size_t>(x[1]);
  g.out_c = static_cast<size_t>(y[1]);
  return bind_weighted(operands, g, {y[1], x[1]});
}

}  // namespace octet::engine
