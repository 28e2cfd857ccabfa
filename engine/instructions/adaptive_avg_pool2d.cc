#include "engine/instructions/adaptive_avg_pool2d.h"

#include "engine/instructions/pooling.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_adaptive_avg_pool2d(const Program& program,
                                                           const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  require_pool_images(operands);
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  kernels::PoolGeometry pool;
  pool.adaptive = true;
  kernels::Conv2dGeometry& g = pool.geometry;
  g.in_h = static_cast<size_t>(x[1]);
  g.in_w = static_cast<size_t>(x[2]);
  g.in_c = g.out_c = static_cast<size_t>(x[3]);
  g.out_h = static_cast<size_t>(y[1]);
  g.out_w = static_cast<size_t>(y[2]);
  return bind_pool(operands, Pooling::avg, pool);
}

}  // namespace octet::engine
