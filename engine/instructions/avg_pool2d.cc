#include "engine/instructions/avg_pool2d.h"

#include "engine/instructions/pooling.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_avg_pool2d(const Program& program,
                                                  const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1,
                    {"kernel_h", "kernel_w", "stride_h", "stride_w", "pad_top", "pad_left",
                     "pad_bottom", "pad_right", "count_include_pad"});
  if (!operands.ok()) return operands.failure();
  require_pool_images(operands);
  const size_t include = operands.size("count_include_pad", 1, 0);
  operands.require(include <= 1, "count_include_pad is ", include, ", not 0 or 1");
  if (!operands.ok()) return operands.failure();
  kernels::PoolGeometry pool;
  pool.count_include_pad = include == 1;
  read_pool_window(operands, pool, false);
  return bind_pool(operands, Pooling::avg, pool);
}

}  // namespace octet::engine
