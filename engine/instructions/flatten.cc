#include "engine/instructions/flatten.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"

namespace octet::engine {
namespace {

// One task is one channel of one image.
template <class T>
class ChannelsOutermost final : public Kernel {
 public:
  ChannelsOutermost(size_t pixels, size_t channels) : pixels_(pixels), channels_(channels) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const T* x = reinterpret_cast<const T*>(values[0]);
    T* y = reinterpret_cast<T*>(values[1]);
    const kernels::Work work{.tasks = batch * channels_};
    run_tasks(work, workspace, pool, [&](std::byte*, size_t begin, size_t end) {
      for (size_t task = begin; task < end; ++task) {
        const T* from = x + task / channels_ * channels_ * pixels_ + task % channels_;
        T* to = y + task * pixels_;
        for (size_t i = 0; i < pixels_; ++i) to[i] = from[i * channels_];
      }
    });
  }

  const char* label() const override { return "flatten"; }

 private:
  size_t pixels_, channels_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_flatten(const Program& program,
                                               const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {});
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  operands.require(x.rank() == 4 && y.rank() == 2 && x.elements() == y.elements(), "input ", x,
                   " and output ", y, " are not [n, h, w, c] and [n, c * h * w]");
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  const auto pixels = static_cast<size_t>(x[1] * x[2]);
  const auto channels = static_cast<size_t>(x[3]);
  if (operands.quantized())
    return std::unique_ptr<Kernel>(new ChannelsOutermost<uint8_t>(pixels, channels));
  return std::unique_ptr<Kernel>(new ChannelsOutermost<float>(pixels, channels));
}

}  // namespace octet::engine
