#include "engine/instructions/max_pool2d.h"

#include "engine/instructions/pooling.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_max_pool2d(const Program& program,
                                                  const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1,
                    {"kernel_h", "kernel_w", "stride_h", "stride_w", "pad_top", "pad_left",
                     "pad_bottom", "pad_right", "dilation_h", "dilation_w"});
  if (!operands.ok()) return operands.failure();
  require_pool_images(operands);
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  kernels::PoolGeometry pool;
  read_pool_window(operands, pool, true);
  return bind_pool(operands, Pooling::max, pool);
}

}  // namespace octet::engine
