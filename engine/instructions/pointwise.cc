#include "engine/instructions/pointwise.h"

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/activation_f32.h"

namespace octet::engine {
namespace {

namespace kernel = kernels::activation_f32;

// By the name of the operation.
struct Curve {
  const char* name;
  const char* label;
  void (*run)(const float* x, float* y, size_t n) noexcept;
};
constexpr Curve kCurves[] = {
    {"sigmoid", "sigmoid_f32", kernel::sigmoid},
    {"tanh", "tanh_f32", kernel::tanh},
    {"gelu", "gelu_f32", kernel::gelu},
    {"silu", "silu_f32", kernel::silu},
    {"hardsigmoid", "hardsigmoid_f32", kernel::hardsigmoid},
    {"hardswish", "hardswish_f32", kernel::hardswish},
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_pointwise(const Program& program,
                                                 const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  const Value &x = operands.input(0), &y = operands.output();
  operands.require(x.shape == y.shape, "input ", x.shape, " and output ", y.shape, " differ");
  operands.require(x.dtype == DType::f32 && y.dtype == DType::f32, "input is ", name_of(x.dtype),
                   " and output ", name_of(y.dtype), ", not f32; u8 takes a table");
  const Curve* curve = nullptr;
  for (const Curve& c : kCurves)
    if (instruction.op == c.name) curve = &c;
  operands.require(curve != nullptr, "there is no such curve");
  if (!operands.ok()) return operands.failure();
  // Without a specification to the bit: one element gives what it gives among others.
  const auto run = curve->run;
  return make_map_kernel<float, float>(curve->label, y.shape.elements(), run, [=](float v) {
    run(&v, &v, 1);
    return v;
  });
}

}  // namespace octet::engine
