#include "engine/instructions/table.h"

#include <algorithm>
#include <array>

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/table_u8.h"

namespace octet::engine {

Result<std::unique_ptr<Kernel>> create_table(const Program& program,
                                             const Instruction& instruction) {
  Operands operands(program, instruction, 1, 2, 2, {});
  if (!operands.ok()) return operands.failure();
  const Value &x = operands.input(0), &y = operands.output();
  operands.require(x.shape == y.shape, "input ", x.shape, " and output ", y.shape, " differ");
  operands.require(x.dtype == DType::u8 && y.dtype == DType::u8, "input is ", name_of(x.dtype),
                   " and output ", name_of(y.dtype), ", not u8");
  operands.require_constant(1, "table", DType::u8, {256});
  if (!operands.ok()) return operands.failure();
  std::array<uint8_t, 256> table;
  std::copy_n(elements<uint8_t>(operands.input(1)), 256, table.begin());
  for (size_t i = 0; i < 256; ++i)
    operands.require(y.qparams->quant_min <= table[i] && table[i] <= y.qparams->quant_max, "table[",
                     i, "] is ", int{table[i]}, ", not in the output's range ",
                     y.qparams->quant_min, "..", y.qparams->quant_max);
  if (!operands.ok()) return operands.failure();
  return make_map_kernel<uint8_t, uint8_t>(
      "table_u8", y.shape.elements(),
      [=](const uint8_t* from, uint8_t* to, size_t n) {
        kernels::table_u8::run(table.data(), from, to, n);
      },
      [=](uint8_t q) { return table[q]; });
}

}  // namespace octet::engine
