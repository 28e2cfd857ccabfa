#include "engine/instructions/mul.h"

#include <utility>

#include "engine/instructions/operands.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/elementwise_f32.h"
#include "kernels/elementwise_f32_ref.h"
#include "kernels/mul_u8.h"
#include "kernels/mul_u8_ref.h"

namespace octet::engine {
namespace {

// Where the operands stand among the values, and what they are.
struct Layout {
  size_t x = 0, other = 1;
  bool is_gate = false;  // the other is [n, 1, 1, c]
  size_t pixels = 1;     // of x for batch 1; without a gate all is one row a batch
  size_t channels = 1;
};

// How a dtype multiplies: run(x, other, y, n), gate(x, other, y, pixels, channels), and both by the
// specification.
struct MulU8 {
  using T = uint8_t;
  kernels::mul_u8::Params params;  // a is x

  void run(const T* x, const T* other, T* y, size_t n) const {
    kernels::mul_u8::run(params, x, other, y, n);
  }
  void gate(const T* x, const T* other, T* y, size_t pixels, size_t channels) const {
    kernels::mul_u8::gate(params, x, other, y, pixels, channels);
  }
  T reference(T x, T other) const { return kernels::ref::mul_u8::mul(params, x, other); }
  static constexpr const char* kLabel = "mul_u8";
};

struct MulF32 {
  using T = float;

  void run(const T* x, const T* other, T* y, size_t n) const {
    kernels::elementwise_f32::mul(x, other, y, n);
  }
  void gate(const T* x, const T* other, T* y, size_t pixels, size_t channels) const {
    kernels::elementwise_f32::gate(x, other, y, pixels, channels);
  }
  T reference(T x, T other) const { return kernels::ref::elementwise_f32::mul(x, other); }
  static constexpr const char* kLabel = "mul_f32";
};

template <class Arithmetic>
class Mul final : public Kernel {
 public:
  Mul(const Arithmetic& arithmetic, const Layout& layout)
      : arithmetic_(arithmetic), layout_(layout) {}

  void run(size_t batch, std::span<std::byte* const> values, std::byte*,
           ParallelFor& pool) const override {
    const Pointers at = operands(values);
    const size_t pixels = layout_.pixels, channels = layout_.channels;
    if (!layout_.is_gate) {
      run_blocks(batch * pixels * channels, pool, [&](size_t first, size_t count) {
        arithmetic_.run(at.x + first, at.other + first, at.y + first, count);
      });
      return;
    }
    run_row_blocks(batch * pixels, channels, pool, [&](size_t first, size_t count) {
      // Image by image: each has a gate of its own.
      for (const size_t end = first + count; first < end;) {
        const size_t image = first / pixels, n = std::min(end, (image + 1) * pixels) - first;
        arithmetic_.gate(at.x + first * channels, at.other + image * channels,
                         at.y + first * channels, n, channels);
        first += n;
      }
    });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values, std::byte*) const override {
    const auto [x, other, y] = operands(values);
    const size_t channels = layout_.channels, image = layout_.pixels * channels;
    for (size_t i = 0; i < batch * image; ++i) {
      const size_t at = layout_.is_gate ? i / image * channels + i % channels : i;
      y[i] = arithmetic_.reference(x[i], other[at]);
    }
  }

  const char* label() const override { return Arithmetic::kLabel; }

 private:
  using T = typename Arithmetic::T;
  struct Pointers {
    const T *x, *other;
    T* y;
  };
  Pointers operands(std::span<std::byte* const> values) const {
    return {reinterpret_cast<const T*>(values[layout_.x]),
            reinterpret_cast<const T*>(values[layout_.other]), reinterpret_cast<T*>(values[2])};
  }

  Arithmetic arithmetic_;
  Layout layout_;
};

bool is_gate_of(const Shape& gate, const Shape& x) {
  return gate.rank() == 4 && x.rank() == 4 && gate == Shape{x[0], 1, 1, x[3]};
}

Layout read_layout(Operands& operands) {
  const Shape &a = operands.input(0).shape, &b = operands.input(1).shape;
  Layout layout;
  if (a != b && is_gate_of(a, b)) std::swap(layout.x, layout.other);
  const Shape& x = operands.input(layout.x).shape;
  const Shape& other = operands.input(layout.other).shape;
  layout.is_gate = x != other;
  operands.require((!layout.is_gate || is_gate_of(other, x)) && operands.output().shape == x,
                   "shapes do not fit: ", a, " * ", b, " = ", operands.output().shape);
  if (!operands.ok()) return layout;
  layout.channels = static_cast<size_t>(x[x.rank() - 1]);
  layout.pixels = static_cast<size_t>(x.elements()) / layout.channels;
  return layout;
}

Result<std::unique_ptr<Kernel>> create_u8(Operands& operands, const Layout& layout) {
  const QParams& x = *operands.input(layout.x).qparams;
  const QParams& other = *operands.input(layout.other).qparams;
  const QParams& y = *operands.output().qparams;
  kernels::mul_u8::Params params;
  params.a_zero_point = x.zero_point;
  params.b_zero_point = other.zero_point;
  params.multiplier = kernels::requantize_multiplier(x.scale, other.scale, y.scale);
  params.range = operands.output_range();
  operands.require(params.multiplier <= kernels::mul_u8::kMaxMultiplier, "scales ", x.scale,
                   " and ", other.scale, " over ", y.scale, " are more than ",
                   kernels::mul_u8::kMaxMultiplier);
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(new Mul<MulU8>({params}, layout));
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_mul(const Program& program, const Instruction& instruction) {
  Operands operands(program, instruction, 2, 2, 2, {});
  if (!operands.ok()) return operands.failure();
  operands.require_same_dtype(0);
  operands.require_same_dtype(1);
  const Layout layout = read_layout(operands);
  if (!operands.ok()) return operands.failure();
  if (operands.quantized()) return create_u8(operands, layout);
  return std::unique_ptr<Kernel>(new Mul<MulF32>({}, layout));
}

}  // namespace octet::engine
