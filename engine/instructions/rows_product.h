// Products y = x W^T + b of any number of rows, y f32, with their packed weights: in f32, or with
// s8 weights and rows that are quantized when they come or are u8 already. One interface, for
// operations that exist in more than one form.
#pragma once

#include <algorithm>

#include "base/buffer.h"
#include "base/parallel.h"
#include "engine/instructions/operands.h"
#include "kernels/conv_f32.h"
#include "kernels/dynamic_rows.h"
#include "kernels/dynamic_rows_ref.h"

namespace octet::engine {

// Working memory of a thread is at memory + thread * stride, workspace_bytes(rows) of it.
struct ThreadMemory {
  std::byte* memory;
  size_t stride;
};

// In which order a thread reads the weights, where that matters: see dynamic_rows.h.
enum class Order { forward, backward };

struct FloatRows {
  using Params = kernels::conv_f32::Params;
  using Element = float;
  static constexpr size_t kInputs = 2;

  // Inputs `at`, weight [outputs, inputs], and at + 1, bias [outputs]. rows: the value whose rows
  // are multiplied.
  static Params read(Operands& operands, size_t at, int64_t inputs, int64_t outputs,
                     const Value& rows) {
    (void)rows;
    operands.require_constant(at, "weight", DType::f32, {outputs, inputs});
    operands.require_constant(at + 1, "bias", DType::f32, {outputs});
    if (!operands.ok()) return {};
    Params params;
    params.geometry.in_c = static_cast<size_t>(inputs);
    params.geometry.out_c = static_cast<size_t>(outputs);
    params.weight = elements<float>(operands.input(at));
    params.bias = elements<float>(operands.input(at + 1));
    return params;
  }
  static constexpr auto packed_size = kernels::conv_f32::packed_bytes;
  static constexpr auto pack = kernels::conv_f32::pack;
  static constexpr auto work = kernels::conv_f32::work;
  static constexpr auto cost = kernels::conv_f32::cost;
  static constexpr auto run = kernels::conv_f32::run;
  static void set_rows(Params& params, size_t rows) { params.geometry.batch = rows; }
  static void set_order(Params&, Order) {}  // tasks in reverse gained nothing at 4 MB
};

struct DynamicRows {
  using Params = kernels::dynamic_rows::Params;
  using Element = float;
  static constexpr size_t kInputs = 3;

  // Inputs `at`, weight s8 [outputs, inputs], at + 1, bias, and at + 2, weight_scale [outputs].
  // Demands the bounds of dynamic_rows.h.
  static Params read(Operands& operands, size_t at, int64_t inputs, int64_t outputs,
                     const Value& rows);
  static constexpr auto packed_size = kernels::dynamic_rows::packed_bytes;
  static constexpr auto pack = kernels::dynamic_rows::pack;
  static constexpr auto work = kernels::dynamic_rows::work;
  static constexpr auto cost = kernels::dynamic_rows::cost;
  static constexpr auto run = kernels::dynamic_rows::run;
  static constexpr auto reference = kernels::ref::dynamic_rows::run<Params>;
  static void set_rows(Params& params, size_t rows) { params.rows = rows; }
  static void set_order(Params& params, Order order) { params.backward = order == Order::backward; }
};

// The same, of rows that are u8.
struct IntegerRows : DynamicRows {
  using Element = uint8_t;
  static constexpr auto run = kernels::dynamic_rows::run_u8;
  static constexpr auto reference = kernels::ref::dynamic_rows::run_u8<Params>;
};

template <class Api>
class RowsProduct {
 public:
  using Params = typename Api::Params;
  using Element = typename Api::Element;

  explicit RowsProduct(const Params& params) : params_(params) {}

  size_t packed_bytes() const { return Api::packed_size(params_); }
  void pack(std::byte* memory) {
    packed_ = memory;
    Api::pack(params_, memory);
  }

  kernels::Cost cost(size_t rows) const { return Api::cost(with(rows)); }
  size_t workspace_bytes(size_t rows) const {
    return align_up(Api::work(with(rows)).workspace_bytes);
  }
  void run(size_t rows, const Element* x, float* y, const ThreadMemory& memory, ParallelFor& pool,
           Order order = Order::forward) const {
    Params params = with(rows);
    Api::set_order(params, order);
    pool(Api::work(params).tasks, [&](size_t begin, size_t end, unsigned thread) {
      Api::run(params, packed_, x, y, memory.memory + thread * memory.stride, begin, end);
    });
  }
  void run_reference(size_t rows, const Element* x, float* y, const ThreadMemory& memory) const {
    if constexpr (requires { Api::reference; }) {
      Api::reference(with(rows), x, y);
    } else {  // no bit-exact specification: as ever
      SingleThread here;
      run(rows, x, y, memory, here);
    }
  }

 private:
  Params with(size_t rows) const {
    Params params = params_;
    Api::set_rows(params, rows);
    return params;
  }

  Params params_;  // weights lie in the program
  const std::byte* packed_ = nullptr;
};

}  // namespace octet::engine
