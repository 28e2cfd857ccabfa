#include "engine/instructions/conv2d.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/weighted.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_conv2d(const Program& program,
                                              const Instruction& instruction) {
  Operands operands(
      program, instruction, 1, 3, 4,
      {"stride_h", "stride_w", "pad_top", "pad_left", "pad_bottom", "pad_right", "dilation_h",
       "dilation_w", "groups", "winograd", "lo", "hi", "quant_min", "quant_max"});
  if (!operands.ok()) return operands.failure();
  operands.require_images();
  const Shape& weight = operands.input(1).shape;
  operands.require(weight.rank() == 4, "weight has shape ", weight,
                   ", not [out_c, kernel_h, kernel_w, in_c / groups]");
  if (!operands.ok()) return operands.failure();

  kernels::Conv2dGeometry g;
  g.kernel_h = static_cast<size_t>(weight[1]);
  g.kernel_w = static_cast<size_t>(weight[2]);
  const int64_t groups = instruction.integer("groups", 1);
  const int64_t in_c = operands.input(0).shape[3];
  const int64_t out_c = operands.output().shape[3];
  operands.require(groups >= 1 && in_c % groups == 0 && out_c % groups == 0, "groups ", groups,
                   " does not divide ", in_c, " input and ", out_c, " output channels");
  if (!operands.ok()) return operands.failure();
  operands.require(weight[3] == in_c / groups, "input has ", in_c, " channels in ", groups,
                   " groups, weight expects ", weight[3], " a group");
  operands.require(weight[0] == out_c, "output has ", out_c, " channels, weight makes ", weight[0]);
  operands.read_window(g, true);
  g.groups = static_cast<size_t>(groups);
  const int64_t winograd = instruction.integer("winograd", 0);
  operands.require(winograd == 0 || (winograd == 1 && !operands.quantized()), "winograd is ",
                   winograd, ", not 0, or 1 for f32");
  if (!operands.ok()) return operands.failure();
  return bind_weighted(operands, g, weight, winograd == 1);
}

}  // namespace octet::engine
