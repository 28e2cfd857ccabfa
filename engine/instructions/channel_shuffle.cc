#include "engine/instructions/channel_shuffle.h"

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/channels.h"
#include "kernels/channels_ref.h"

namespace octet::engine {
namespace {

template <class T>
class ChannelShuffle final : public Kernel {
 public:
  // rows: for batch 1.
  ChannelShuffle(size_t rows, size_t channels, size_t groups)
      : rows_(rows), channels_(channels), groups_(groups) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const T* x = reinterpret_cast<const T*>(values[0]);
    T* y = reinterpret_cast<T*>(values[1]);
    run_row_blocks(batch * rows_, channels_, pool, [&](size_t first, size_t count) {
      kernels::channels::shuffle(count, channels_, groups_, x + first * channels_,
                                 y + first * channels_);
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    kernels::ref::channels::shuffle(batch * rows_, channels_, groups_,
                                    reinterpret_cast<const T*>(values[0]),
                                    reinterpret_cast<T*>(values[1]));
  }

  const char* label() const override { return "channel_shuffle"; }

 private:
  size_t rows_, channels_, groups_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> create_channel_shuffle(const Program& program,
                                                       const Instruction& instruction) {
  Operands operands(program, instruction, 1, 1, 1, {"groups"});
  if (!operands.ok()) return operands.failure();
  const size_t groups = operands.size("groups", 1);
  const Shape& x = operands.input(0).shape;
  operands.require(x.rank() > 1 && x == operands.output().shape, "input ", x, " and output ",
                   operands.output().shape, " differ or have no channels");
  operands.require_kept_qparams();
  if (!operands.ok()) return operands.failure();
  const auto channels = static_cast<size_t>(x[x.rank() - 1]);
  operands.require(channels % groups == 0, channels, " channels in ", groups, " groups");
  if (!operands.ok()) return operands.failure();
  const size_t rows = static_cast<size_t>(x.elements()) / channels;
  if (operands.quantized())
    return std::unique_ptr<Kernel>(new ChannelShuffle<uint8_t>(rows, channels, groups));
  return std::unique_ptr<Kernel>(new ChannelShuffle<float>(rows, channels, groups));
}

}  // namespace octet::engine
