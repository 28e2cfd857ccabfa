#include "engine/instructions/pointwise.h"

#include <cmath>
#include <string>

#include "engine/instructions/elementwise.h"
#include "engine/instructions/operands.h"
#include "kernels/activation_f32.h"

namespace octet::engine {
namespace {

namespace kernel = kernels::activation_f32;

template <void (*kRun)(const float* x, float* y, size_t n) noexcept>
void without_parameter(const float* x, float* y, size_t n, float) noexcept {
  kRun(x, y, n);
}

// By the name of the operation.
struct Curve {
  const char* name;
  const char* label;
  const char* parameter;  // a required attribute, which run takes; null for none
  void (*run)(const float* x, float* y, size_t n, float parameter) noexcept;
};
constexpr Curve kCurves[] = {
    {"sigmoid", "sigmoid_f32", nullptr, without_parameter<kernel::sigmoid>},
    {"tanh", "tanh_f32", nullptr, without_parameter<kernel::tanh>},
    {"gelu", "gelu_f32", nullptr, without_parameter<kernel::gelu>},
    {"silu", "silu_f32", nullptr, without_parameter<kernel::silu>},
    {"hardsigmoid", "hardsigmoid_f32", nullptr, without_parameter<kernel::hardsigmoid>},
    {"hardswish", "hardswish_f32", nullptr, without_parameter<kernel::hardswish>},
    {"leaky_relu", "leaky_relu_f32", "negative_slope", kernel::leaky_relu},
    {"elu", "elu_f32", "alpha", kernel::elu},
};

// Null when there is none.
const Curve* find_curve(const std::string& op) {
  for (const Curve& curve : kCurves)
    if (op == curve.name) return &curve;
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_pointwise(const Program& program,
                                                 const Instruction& instruction) {
  const Curve* curve = find_curve(instruction.op);
  const char* parameter = curve != nullptr ? curve->parameter : nullptr;
  Operands operands = parameter != nullptr ? Operands(program, instruction, 1, 1, 1, {parameter})
                                           : Operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  operands.require(curve != nullptr, "there is no such curve");
  const Value &x = operands.input(0), &y = operands.output();
  operands.require(x.shape == y.shape, "input ", x.shape, " and output ", y.shape, " differ");
  operands.require(x.dtype == DType::f32 && y.dtype == DType::f32, "input is ", name_of(x.dtype),
                   " and output ", name_of(y.dtype), ", not f32; u8 takes a table");
  const float value = parameter != nullptr ? operands.real(parameter) : 0.0f;
  operands.require(std::isfinite(value), parameter, " is ", value, ", not finite");
  if (!operands.ok()) return operands.failure();
  // One element gives what it gives among others.
  const auto run = curve->run;
  return make_map_kernel<float, float>(
      curve->label, y.shape.elements(),
      [=](const float* from, float* to, size_t n) { run(from, to, n, value); },
      [=](float v) {
        run(&v, &v, 1, value);
        return v;
      });
}

}  // namespace octet::engine
