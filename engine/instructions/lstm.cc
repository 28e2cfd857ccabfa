#include "engine/instructions/lstm.h"

#include <algorithm>
#include <utility>

#include "engine/instructions/rows_product.h"
#include "kernels/lstm_cell.h"

namespace octet::engine {
namespace {

struct Extents {
  size_t t, in, hidden;
  bool reverse;
};

// Where threads share what, in bytes: state, and the gates of as many steps as make a product of
// some 256 rows, so that weights for x are read once for all of these; weights for h have to be
// read in every step. All f32, steps outermost.
struct Layout {
  size_t steps;      // of a chunk
  size_t x = 0;      // [steps, n, in]
  size_t gates;      // [steps, n, 4 * hidden]
  size_t recurrent;  // [n, 4 * hidden]
  size_t h, c;       // [n, hidden]
  size_t bytes;

  Layout(const Extents& e, size_t n) {
    const auto after = [](size_t begin, size_t floats) {
      return begin + align_up(floats * sizeof(float));
    };
    steps = std::clamp<size_t>(256 / n, 1, e.t);
    gates = after(x, steps * n * e.in);
    recurrent = after(gates, steps * n * 4 * e.hidden);
    h = after(recurrent, n * 4 * e.hidden);
    c = after(h, n * e.hidden);
    bytes = after(c, n * e.hidden);
  }
};

// The same as addresses.
struct Shared {
  float *x, *gates, *recurrent, *h, *c;

  Shared(const Layout& layout, std::byte* memory) {
    const auto at = [&](size_t offset) { return reinterpret_cast<float*>(memory + offset); };
    x = at(layout.x), gates = at(layout.gates), recurrent = at(layout.recurrent);
    h = at(layout.h), c = at(layout.c);
  }
};

template <class Api>
class LstmKernel final : public Kernel {
 public:
  using Product = RowsProduct<Api>;

  LstmKernel(const char* label, const Extents& extents, Product ih, Product hh)
      : label_(label), extents_(extents), ih_(std::move(ih)), hh_(std::move(hh)) {}

  size_t workspace_bytes(size_t batch) const override {
    return product_bytes(batch) + Layout(extents_, batch).bytes;
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const ThreadMemory memory{workspace, workspace_bytes(batch)};
    walk(batch, values, workspace, pool,
         [&](const Product& product, size_t rows, const float* x, float* y) {
           product.run(rows, x, y, memory, pool);
         });
  }

  void run_reference(size_t batch, std::span<std::byte* const> values,
                     std::byte* workspace) const override {
    const ThreadMemory memory{workspace, 0};
    SingleThread here;
    walk(batch, values, workspace, here,
         [&](const Product& product, size_t rows, const float* x, float* y) {
           product.run_reference(rows, x, y, memory);
         });
  }

  size_t macs() const override {
    return extents_.t * 4 * extents_.hidden * (extents_.in + extents_.hidden);
  }
  const char* label() const override { return label_; }
  size_t packed_bytes() const override { return ih_.packed_bytes() + hh_.packed_bytes(); }

 private:
  size_t product_bytes(size_t batch) const {
    // All chunks but the last are alike.
    const size_t steps = Layout(extents_, batch).steps, last = (extents_.t - 1) % steps + 1;
    return std::max({ih_.workspace_bytes(batch * steps), ih_.workspace_bytes(batch * last),
                     hh_.workspace_bytes(batch)});
  }

  // Where in [n, t, ...] the i-th step of a row is.
  size_t at(size_t row, size_t i) const {
    return row * extents_.t + (extents_.reverse ? extents_.t - 1 - i : i);
  }

  // multiply(product, rows, x, y): one of the two products.
  template <class Multiply>
  void walk(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
            ParallelFor& pool, const Multiply& multiply) const {
    const auto* x = reinterpret_cast<const float*>(values.front());
    auto* y = reinterpret_cast<float*>(values.back());
    const Extents& e = extents_;
    // Behind the first thread's working memory.
    const Layout layout(e, batch);
    const Shared shared(layout, workspace + product_bytes(batch));
    std::fill_n(shared.h, batch * e.hidden, 0.0f);
    std::fill_n(shared.c, batch * e.hidden, 0.0f);
    for (size_t first = 0; first < e.t; first += layout.steps) {
      const size_t count = std::min(layout.steps, e.t - first);
      for (size_t i = 0; i < count; ++i)
        for (size_t row = 0; row < batch; ++row)
          std::copy_n(x + at(row, first + i) * e.in, e.in, shared.x + (i * batch + row) * e.in);
      multiply(ih_, count * batch, shared.x, shared.gates);
      for (size_t i = 0; i < count; ++i) {
        multiply(hh_, batch, shared.h, shared.recurrent);
        step(batch, first + i, shared.gates + i * batch * 4 * e.hidden, shared, y, pool);
      }
    }
  }

  void step(size_t batch, size_t i, float* gates, const Shared& shared, float* y,
            ParallelFor& pool) const {
    const size_t hidden = extents_.hidden;
    pool(batch, [&](size_t begin, size_t end, unsigned) {
      for (size_t row = begin; row < end; ++row) {
        float* h = shared.h + row * hidden;
        kernels::lstm_cell(hidden, gates + row * 4 * hidden, shared.recurrent + row * 4 * hidden, h,
                           shared.c + row * hidden);
        std::copy_n(h, hidden, y + at(row, i) * hidden);
      }
    });
  }

  const char* label_;
  Extents extents_;
  Product ih_, hh_;
};

// Inputs: x, then those of the product with x, then those of the product with h.
template <class Api>
Result<std::unique_ptr<Kernel>> bind(const char* label, const Program& program,
                                     const Instruction& instruction) {
  constexpr size_t kInputs = 1 + 2 * Api::kInputs;
  Operands operands(program, instruction, 1, kInputs, kInputs, {"reverse"});
  if (!operands.ok()) return operands.failure();
  const Shape& x = operands.input(0).shape;
  const Shape& y = operands.output().shape;
  operands.require(x.rank() == 3 && y.rank() == 3 && x[1] == y[1], "input ", x, " and output ", y,
                   " are not sequences of the same length, [n, t, features]");
  operands.require(!operands.quantized(), "input is u8, not f32");
  operands.require_same_dtype(0);
  const size_t reverse = operands.size("reverse", 0, 0);
  operands.require(reverse <= 1, "reverse is ", reverse, ", not 0 or 1");
  // 4 * hidden must be countable.
  operands.require(!operands.ok() || y[2] <= kMaxExtent, "output ", y,
                   " has more than 2^30 features");
  if (!operands.ok()) return operands.failure();
  const Extents extents{static_cast<size_t>(x[1]), static_cast<size_t>(x[2]),
                        static_cast<size_t>(y[2]), reverse == 1};
  const int64_t gates = 4 * y[2];
  const auto ih = Api::read(operands, 1, x[2], gates);
  const auto hh = Api::read(operands, 1 + Api::kInputs, y[2], gates);
  RowsProduct<Api> ih_product(operands, ih), hh_product(operands, hh);
  if (!operands.ok()) return operands.failure();
  return std::unique_ptr<Kernel>(
      new LstmKernel<Api>(label, extents, std::move(ih_product), std::move(hh_product)));
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_lstm(const Program& program,
                                            const Instruction& instruction) {
  return bind<FloatRows>("conv_f32", program, instruction);
}

Result<std::unique_ptr<Kernel>> create_lstm_dynamic(const Program& program,
                                                    const Instruction& instruction) {
  return bind<DynamicRows>("dynamic_rows", program, instruction);
}

}  // namespace octet::engine
