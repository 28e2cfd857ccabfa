#include "engine/instructions/pad.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/pad.h"
#include "kernels/pad_ref.h"

namespace octet::engine {
namespace {

template <class T>
class Pad final : public Kernel {
 public:
  Pad(const kernels::pad::Params& params, T value) : params_(params), value_(value) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const kernels::pad::Params params = with_batch(batch);
    const auto* x = reinterpret_cast<const T*>(values[0]);
    auto* y = reinterpret_cast<T*>(values[1]);
    run_tasks(kernels::pad::work(params), workspace, pool,
              [&](std::byte*, size_t begin, size_t end) {
                kernels::pad::run(params, value_, x, y, begin, end);
              });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::pad::run(with_batch(batch), value_, reinterpret_cast<const T*>(values[0]),
                           reinterpret_cast<T*>(values[1]));
  }

  const char* label() const override { return "pad"; }

 private:
  kernels::pad::Params with_batch(size_t batch) const {
    kernels::pad::Params params = params_;
    params.batch = batch;
    return params;
  }

  kernels::pad::Params params_;
  T value_;  // real 0
};

// Before x's elements; demands that y has those and the padding on both sides, no more.
size_t read_side(Operands& operands, int dimension, const char* before, const char* after) {
  const size_t first = operands.size(before, 0, 0), last = operands.size(after, 0, 0);
  const auto in = static_cast<size_t>(operands.input(0).shape[dimension]);
  const auto out = static_cast<size_t>(operands.output().shape[dimension]);
  operands.require(out == first + in + last, "output ", operands.output().shape, " has ", out,
                   " where ", first + in + last, " follows from input ", operands.input(0).shape);
  return first;
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_pad(const Program& program, const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1,
                    {"pad_top", "pad_left", "pad_bottom", "pad_right", "pad_front", "pad_back"});
  if (!operands.ok()) return operands.failure();
  operands.require_images();
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  kernels::pad::Params params;
  params.pad_top = read_side(operands, 1, "pad_top", "pad_bottom");
  params.pad_left = read_side(operands, 2, "pad_left", "pad_right");
  params.pad_front = read_side(operands, 3, "pad_front", "pad_back");
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  params.in_h = static_cast<size_t>(x[1]);
  params.in_w = static_cast<size_t>(x[2]);
  params.in_c = static_cast<size_t>(x[3]);
  params.out_h = static_cast<size_t>(y[1]);
  params.out_w = static_cast<size_t>(y[2]);
  params.out_c = static_cast<size_t>(y[3]);
  if (!operands.quantized()) return std::unique_ptr<Kernel>(new Pad<float>(params, 0.0f));
  const auto zero = static_cast<uint8_t>(operands.output().qparams->zero_point);
  return std::unique_ptr<Kernel>(new Pad<uint8_t>(params, zero));
}

}  // namespace octet::engine
