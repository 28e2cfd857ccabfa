#include "engine/instructions/attention.h"

#include "base/printable.h"
#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/attention_f32.h"
#include "kernels/attention_f32_ref.h"

namespace octet::engine {
namespace {

using kernels::attention_f32::Params;

class AttentionKernel final : public Kernel {
 public:
  explicit AttentionKernel(const Params& params) : params_(params) {}

  size_t workspace_bytes(size_t batch) const override {
    return align_up(kernels::attention_f32::work(with(batch)).workspace_bytes);
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const Params params = with(batch);
    const auto operands = operands_of(values);
    auto* y = reinterpret_cast<float*>(values.back());
    run_tasks(kernels::attention_f32::work(params), workspace, pool,
              [&](std::byte* memory, size_t begin, size_t end) {
                kernels::attention_f32::run(params, operands, y, memory, begin, end);
              });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values,
                     std::byte* workspace) const override {
    kernels::ref::attention_f32::run(with(batch), operands_of(values),
                                     reinterpret_cast<float*>(values.back()),
                                     reinterpret_cast<float*>(workspace));
  }

  size_t macs() const override {
    return 2 * params_.length * params_.length * params_.heads * params_.size;
  }
  const char* label() const override { return "attention_f32"; }

 private:
  static kernels::attention_f32::Operands operands_of(std::span<std::byte* const> values) {
    const auto at = [&](size_t i) { return reinterpret_cast<const float*>(values[i]); };
    return {at(0), at(1), at(2),
            values.size() > 4 ? reinterpret_cast<const int64_t*>(values[3]) : nullptr};
  }
  Params with(size_t batch) const {
    Params params = params_;
    params.batch = batch;
    return params;
  }

  Params params_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_attention(const Program& program,
                                                 const Instruction& instruction) {
  const size_t activations = instruction.inputs.size();
  Operands operands(program, instruction, activations, 3, 4, {"heads"},
                    {.take = Operands::Take::any});
  if (!operands.ok()) return operands.failure();
  const size_t heads = operands.size("heads", 1);
  const Shape& q = operands.input(0).shape;
  operands.require(q.rank() == 3, "q has shape ", q, ", not [n, t, features]");
  if (!operands.ok()) return operands.failure();
  for (const Value* value :
       {&operands.input(0), &operands.input(1), &operands.input(2), &operands.output()})
    operands.require(value->dtype == DType::f32 && value->shape == q, "value '",
                     printable(value->name), "' is ", name_of(value->dtype), " ", value->shape,
                     ", not f32 ", q);
  operands.require(q[2] % static_cast<int64_t>(heads) == 0, q[2], " features in ", heads, " heads");
  operands.require(q[1] <= kMaxExtent && q[2] <= kMaxExtent, "q ", q, " is larger than 2^30");
  if (activations > 3) {
    const Value& mask = operands.input(3);
    operands.require(mask.dtype == DType::s64 && mask.shape == Shape{1, q[1]}, "mask is ",
                     name_of(mask.dtype), " ", mask.shape, ", not s64 [1, ", q[1], "]");
  }
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new AttentionKernel(
      {1, static_cast<size_t>(q[1]), heads, static_cast<size_t>(q[2]) / heads}));
}

}  // namespace octet::engine
