#include "engine/instructions/add.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/add_u8.h"
#include "kernels/add_u8_ref.h"
#include "kernels/elementwise_f32.h"
#include "kernels/elementwise_f32_ref.h"

namespace octet::engine {
namespace {

class AddU8 final : public Kernel {
 public:
  AddU8(const kernels::add_u8::Params& params, size_t elements)
      : params_(params), elements_(elements) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* a = reinterpret_cast<const uint8_t*>(values[0]);
    const auto* b = reinterpret_cast<const uint8_t*>(values[1]);
    auto* y = reinterpret_cast<uint8_t*>(values[2]);
    run_blocks(batch * elements_, pool, [&](size_t first, size_t count) {
      kernels::add_u8::run(params_, a + first, b + first, y + first, count);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::add_u8::run(params_, reinterpret_cast<const uint8_t*>(values[0]),
                              reinterpret_cast<const uint8_t*>(values[1]),
                              reinterpret_cast<uint8_t*>(values[2]), batch * elements_);
  }

  const char* label() const override { return "add_u8"; }

 private:
  kernels::add_u8::Params params_;
  size_t elements_;
};

class AddF32 final : public Kernel {
 public:
  AddF32(RealRange range, size_t elements) : range_(range), elements_(elements) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const auto* a = reinterpret_cast<const float*>(values[0]);
    const auto* b = reinterpret_cast<const float*>(values[1]);
    auto* y = reinterpret_cast<float*>(values[2]);
    run_blocks(batch * elements_, pool, [&](size_t first, size_t count) {
      kernels::elementwise_f32::add(a + first, b + first, y + first, count, range_.lo, range_.hi);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    const auto* a = reinterpret_cast<const float*>(values[0]);
    const auto* b = reinterpret_cast<const float*>(values[1]);
    auto* y = reinterpret_cast<float*>(values[2]);
    for (size_t i = 0; i < batch * elements_; ++i)
      y[i] = kernels::ref::elementwise_f32::add(a[i], b[i], range_.lo, range_.hi);
  }

  const char* label() const override { return "add_f32"; }

 private:
  RealRange range_;
  size_t elements_;
};

Result<std::unique_ptr<Kernel>> create_u8(Operands& operands, size_t elements) {
  const QParams& a = *operands.input(0).qparams;
  const QParams& b = *operands.input(1).qparams;
  const QParams& y = *operands.output().qparams;
  for (const QParams* x : {&a, &b})
    operands.require(x->scale / y.scale <= kernels::add_u8::kMaxRatio, "scale ", x->scale,
                     " of an input is more than ", kernels::add_u8::kMaxRatio, " times scale ",
                     y.scale, " of the output");
  kernels::add_u8::Params params;
  params.range = operands.integer_range();
  if (!operands.ok()) return operands.failure();
  params.a_zero_point = a.zero_point;
  params.b_zero_point = b.zero_point;
  kernels::add_u8::set_scales(params, a.scale, b.scale, y.scale);
  return std::unique_ptr<Kernel>(new AddU8(params, elements));
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_add(const Program& program, const Instruction& instruction) {
  Operands operands(program, instruction, 2, 2, 2, {"lo", "hi", "quant_min", "quant_max"});
  if (!operands.ok()) return operands.failure();
  operands.require_same_dtype(0);
  operands.require_same_dtype(1);
  operands.require(operands.input(0).shape == operands.input(1).shape &&
                       operands.input(0).shape == operands.output().shape,
                   "shapes differ: ", operands.input(0).shape, " + ", operands.input(1).shape,
                   " = ", operands.output().shape);
  if (!operands.ok()) return operands.failure();
  const auto elements = static_cast<size_t>(operands.output().shape.elements());
  if (operands.quantized()) return create_u8(operands, elements);
  const RealRange range = operands.real_range();
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new AddF32(range, elements));
}

}  // namespace octet::engine
