#include "engine/instructions/lstm.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/instructions/rows_product.h"
#include "kernels/lstm_cell.h"
#include "kernels/lstm_cell_ref.h"
#include "kernels/quantize.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {
namespace {

struct Extents {
  size_t t, in, hidden, directions;

  size_t width() const { return directions * hidden; }  // of y and of the state
};

// Where threads share what, in bytes: state, and the gates of as many steps as make a product of
// some 256 rows, so that weights for x are read once for all of these; weights for h have to be
// read in every step. Steps outermost; x and h are of the products' type, the others f32.
struct Layout {
  size_t steps;      // of a chunk
  size_t x = 0;      // [steps, n, in]
  size_t gates;      // [steps, n, 4 * hidden]
  size_t recurrent;  // [n, 4 * hidden]
  size_t h, c;       // [n, hidden]
  size_t real_h;     // [n, hidden], where h is not f32
  size_t bytes;

  Layout(const Extents& e, size_t n, size_t element) {
    const auto after = [](size_t begin, size_t bytes) { return begin + align_up(bytes); };
    steps = std::clamp<size_t>(256 / n, 1, e.t);
    gates = after(x, steps * n * e.in * element);
    recurrent = after(gates, steps * n * 4 * e.hidden * sizeof(float));
    h = after(recurrent, n * 4 * e.hidden * sizeof(float));
    c = after(h, n * e.hidden * element);
    real_h = after(c, n * e.hidden * sizeof(float));
    bytes = after(real_h, n * e.hidden * sizeof(float));
  }
};

// The same as addresses.
template <class Element>
struct Shared {
  Element *x, *h;
  float *gates, *recurrent, *c, *real_h;

  Shared(const Layout& layout, std::byte* memory)
      : x(reinterpret_cast<Element*>(memory + layout.x)),
        h(reinterpret_cast<Element*>(memory + layout.h)),
        gates(reinterpret_cast<float*>(memory + layout.gates)),
        recurrent(reinterpret_cast<float*>(memory + layout.recurrent)),
        c(reinterpret_cast<float*>(memory + layout.c)),
        real_h(reinterpret_cast<float*>(memory + layout.real_h)) {}
};

// The instruction's activations; state is null where there is none.
template <class Element>
struct Activations {
  const Element* x;
  Element* y;
  const Element* start_h;
  const float* start_c;
  Element* last_h;
  float* last_c;

  Activations(std::span<std::byte* const> values, bool has_state)
      : x(reinterpret_cast<const Element*>(values[0])),
        y(reinterpret_cast<Element*>(values[values.size() - (has_state ? 3 : 1)])),
        start_h(has_state ? reinterpret_cast<const Element*>(values[1]) : nullptr),
        start_c(has_state ? reinterpret_cast<const float*>(values[2]) : nullptr),
        last_h(has_state ? reinterpret_cast<Element*>(values[values.size() - 2]) : nullptr),
        last_c(has_state ? reinterpret_cast<float*>(values[values.size() - 1]) : nullptr) {}
};

template <class Api>
class LstmKernel final : public Kernel {
 public:
  using Product = RowsProduct<Api>;
  using Element = typename Api::Element;

  struct Direction {
    Product ih, hh;
  };

  // h: of integers, else unused.
  LstmKernel(const char* label, const Extents& extents, bool has_state, const QParams& h,
             std::vector<Direction> directions)
      : label_(label),
        extents_(extents),
        has_state_(has_state),
        h_(h),
        directions_(std::move(directions)) {}

  size_t workspace_bytes(size_t batch) const override {
    return product_bytes(batch) + layout(batch).bytes;
  }

  void run(size_t batch, std::span<std::byte* const> values, std::byte* workspace,
           ParallelFor& pool) const override {
    const ThreadMemory memory{workspace, workspace_bytes(batch)};
    const auto multiply = [&](const Product& product, size_t rows, const Element* x, float* y,
                              Order order) { product.run(rows, x, y, memory, pool, order); };
    const auto cell = [&](float* gates, const float* recurrent, Element* h, float* c,
                          float* real_h) {
      if constexpr (kIntegers) {
        kernels::lstm_cell(extents_.hidden, gates, recurrent, real_h, c);
        kernels::quantize::quantize(real_h, h, extents_.hidden, h_);
      } else {
        kernels::lstm_cell(extents_.hidden, gates, recurrent, h, c);
      }
    };
    walk(batch, {values, has_state_}, workspace, pool, multiply, cell);
  }

  void run_reference(size_t batch, std::span<std::byte* const> values,
                     std::byte* workspace) const override {
    const ThreadMemory memory{workspace, 0};
    const auto multiply = [&](const Product& product, size_t rows, const Element* x, float* y,
                              Order) { product.run_reference(rows, x, y, memory); };
    const auto cell = [&](float* gates, const float* recurrent, Element* h, float* c,
                          float* real_h) {
      kernels::ref::lstm_cell(extents_.hidden, gates, recurrent, real_h, c);
      for (size_t k = 0; k < extents_.hidden; ++k) {
        if constexpr (kIntegers) {
          h[k] = kernels::ref::quantize::quantize(real_h[k], h_);
        } else {
          h[k] = real_h[k];
        }
      }
    };
    SingleThread here;
    walk(batch, {values, has_state_}, workspace, here, multiply, cell);
  }

  size_t macs() const override {
    return extents_.t * 4 * extents_.width() * (extents_.in + extents_.hidden);
  }
  const char* label() const override { return label_; }
  size_t packed_bytes() const override {
    size_t sum = 0;
    for (const Direction& d : directions_)
      sum += align_up(d.ih.packed_bytes()) + align_up(d.hh.packed_bytes());
    return sum;
  }
  void pack(std::byte* memory) override {
    for (Direction& d : directions_)
      for (Product* product : {&d.ih, &d.hh}) {
        product->pack(memory);
        memory += align_up(product->packed_bytes());
      }
  }

 private:
  static constexpr bool kIntegers = std::is_same_v<Element, uint8_t>;

  Layout layout(size_t batch) const { return Layout(extents_, batch, sizeof(Element)); }

  // Both directions are alike.
  size_t product_bytes(size_t batch) const {
    // All chunks but the last are alike.
    const size_t steps = layout(batch).steps, last = (extents_.t - 1) % steps + 1;
    const auto& [ih, hh] = directions_[0];
    return std::max({ih.workspace_bytes(batch * steps), ih.workspace_bytes(batch * last),
                     hh.workspace_bytes(batch)});
  }

  // multiply(product, rows, x, y, order): one of the two products. cell(gates, recurrent, h, c,
  // real_h): one step of one row.
  template <class Multiply, class Cell>
  void walk(size_t batch, const Activations<Element>& values, std::byte* workspace,
            ParallelFor& pool, const Multiply& multiply, const Cell& cell) const {
    // Behind the first thread's working memory.
    const Layout at = layout(batch);
    const Shared<Element> shared(at, workspace + product_bytes(batch));
    for (size_t d = 0; d < directions_.size(); ++d) {
      start(batch, d, values, shared);
      for (size_t first = 0; first < extents_.t; first += at.steps) {
        const size_t count = std::min(at.steps, extents_.t - first);
        gather(batch, d, first, count, values.x, shared.x);
        multiply(directions_[d].ih, count * batch, shared.x, shared.gates, Order::forward);
        for (size_t i = 0; i < count; ++i) {
          // W_hh is read in every step: each turns around.
          const Order order = i % 2 == 0 ? Order::forward : Order::backward;
          multiply(directions_[d].hh, batch, shared.h, shared.recurrent, order);
          step(batch, d, first + i, i, shared, values.y, pool, cell);
        }
      }
      finish(batch, d, shared, values);
    }
  }

  // Which of [n, t] rows is the i-th step of a sequence.
  size_t row_of(size_t n, size_t direction, size_t i) const {
    return n * extents_.t + (direction == 1 ? extents_.t - 1 - i : i);
  }

  void gather(size_t batch, size_t direction, size_t first, size_t count, const Element* x,
              Element* to) const {
    for (size_t i = 0; i < count; ++i)
      for (size_t n = 0; n < batch; ++n, to += extents_.in)
        std::copy_n(x + row_of(n, direction, first + i) * extents_.in, extents_.in, to);
  }

  void start(size_t batch, size_t direction, const Activations<Element>& values,
             const Shared<Element>& shared) const {
    const size_t hidden = extents_.hidden;
    for (size_t n = 0; n < batch; ++n) {
      const size_t from = n * extents_.width() + direction * hidden;
      if (has_state_) {
        std::copy_n(values.start_h + from, hidden, shared.h + n * hidden);
        std::copy_n(values.start_c + from, hidden, shared.c + n * hidden);
      } else {
        // What stands for 0.
        const auto zero = static_cast<Element>(kIntegers ? h_.zero_point : 0);
        std::fill_n(shared.h + n * hidden, hidden, zero);
        std::fill_n(shared.c + n * hidden, hidden, 0.0f);
      }
    }
  }

  void finish(size_t batch, size_t direction, const Shared<Element>& shared,
              const Activations<Element>& values) const {
    if (!has_state_) return;
    const size_t hidden = extents_.hidden;
    for (size_t n = 0; n < batch; ++n) {
      const size_t to = n * extents_.width() + direction * hidden;
      std::copy_n(shared.h + n * hidden, hidden, values.last_h + to);
      std::copy_n(shared.c + n * hidden, hidden, values.last_c + to);
    }
  }

  // Step `i` of the sequences, step `in_chunk` of the chunk.
  template <class Cell>
  void step(size_t batch, size_t direction, size_t i, size_t in_chunk,
            const Shared<Element>& shared, Element* y, ParallelFor& pool, const Cell& cell) const {
    const size_t hidden = extents_.hidden;
    float* gates = shared.gates + in_chunk * batch * 4 * hidden;
    pool(batch, [&](size_t begin, size_t end, unsigned) {
      for (size_t n = begin; n < end; ++n) {
        Element* h = shared.h + n * hidden;
        // The cell's results, which nobody needs, go over `recurrent`, which is in the cache and is
        // written in every step; over `gates` the cache would have to write them back for each.
        cell(shared.recurrent + n * 4 * hidden, gates + n * 4 * hidden, h, shared.c + n * hidden,
             shared.real_h + n * hidden);
        std::copy_n(h, hidden, y + row_of(n, direction, i) * extents_.width() + direction * hidden);
      }
    });
  }

  const char* label_;
  Extents extents_;
  bool has_state_;
  QParams h_;
  std::vector<Direction> directions_;  // forward, then in reverse
};

// x, y and the state, which is there when the second input is computed.
bool has_state(const Program& program, const Instruction& instruction) {
  return instruction.inputs.size() > 1 && !program.values[instruction.inputs[1]].is_constant;
}

Extents read_extents(Operands& operands, size_t directions, bool state) {
  const Value &x = operands.input(0), &y = operands.output();
  operands.require(x.shape.rank() == 3 && y.shape.rank() == 3 && x.shape[1] == y.shape[1], "input ",
                   x.shape, " and output ", y.shape,
                   " are not sequences of the same length, [n, t, features]");
  operands.require_same_dtype(0);
  if (!operands.ok()) return {};
  const int64_t width = y.shape[2], count = static_cast<int64_t>(directions);
  // 4 * hidden must be countable.
  operands.require(width <= kMaxExtent, "output ", y.shape, " has more than 2^30 features");
  operands.require(width % count == 0, "output ", y.shape, " has not the features of ", directions,
                   " directions");
  if (!operands.ok()) return {};
  if (state) {
    const Shape shape{1, width};
    for (const Value* h : {&operands.input(1), &operands.output(1)}) {
      operands.require_value("h", *h, y.dtype, shape);
      operands.require(!operands.ok() || !y.qparams ||
                           (h->qparams->scale == y.qparams->scale &&
                            h->qparams->zero_point == y.qparams->zero_point),
                       "h has another scale or zero_point than the output");
    }
    for (const Value* c : {&operands.input(2), &operands.output(2)})
      operands.require_value("c", *c, DType::f32, shape);
  }
  return {static_cast<size_t>(x.shape[1]), static_cast<size_t>(x.shape[2]),
          static_cast<size_t>(width / count), directions};
}

// Inputs: x and, when it is there, the state; then for each direction those of the product with x
// and those of the product with h.
template <class Api>
Result<std::unique_ptr<Kernel>> bind(const char* label, const Program& program,
                                     const Instruction& instruction) {
  const bool state = has_state(program, instruction);
  const size_t activations = state ? 3 : 1, each = 2 * Api::kInputs;
  const size_t directions = instruction.inputs.size() > activations + each ? 2 : 1;
  const size_t inputs = activations + directions * each;
  Operands operands(program, instruction, activations, inputs, inputs, {},
                    {.outputs = activations});
  if (!operands.ok()) return operands.failure();
  const bool integers = std::is_same_v<typename Api::Element, uint8_t>;
  operands.require(operands.quantized() == integers, "input is ", name_of(operands.input(0).dtype),
                   ", not ", integers ? "u8" : "f32");
  const Extents extents = read_extents(operands, directions, state);
  if (!operands.ok()) return operands.failure();
  const int64_t hidden = static_cast<int64_t>(extents.hidden), gates = 4 * hidden;
  using Product = RowsProduct<Api>;
  std::vector<typename LstmKernel<Api>::Direction> bound;
  for (size_t d = 0; d < directions; ++d) {
    const size_t at = activations + d * each;
    const auto ih = Api::read(operands, at, operands.input(0).shape[2], gates, operands.input(0));
    const auto hh = Api::read(operands, at + Api::kInputs, hidden, gates, operands.output());
    if (!operands.ok()) return operands.failure();
    bound.push_back({Product(ih), Product(hh)});
  }
  return std::unique_ptr<Kernel>(new LstmKernel<Api>(
      label, extents, state, operands.output().qparams.value_or(QParams()), std::move(bound)));
}

}  // namespace

Result<std::unique_ptr<Kernel>> create_lstm(const Program& program,
                                            const Instruction& instruction) {
  const bool integers =
      !instruction.inputs.empty() && program.values[instruction.inputs[0]].dtype == DType::u8;
  if (integers) return bind<IntegerRows>("lstm_u8s8", program, instruction);
  return bind<FloatRows>("lstm_f32", program, instruction);
}

Result<std::unique_ptr<Kernel>> create_lstm_dynamic(const Program& program,
                                                    const Instruction& instruction) {
  return bind<DynamicRows>("lstm_dynamic", program, instruction);
}

}  // namespace octet::engine
