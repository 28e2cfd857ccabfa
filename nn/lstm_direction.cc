#include "nn/lstm_direction.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/activation_f32.h"
#include "kernels/lstm_cell.h"
#include "nn/matrix.h"
#include "nn/op_support.h"

namespace octet::nn {
namespace {

namespace kernel = kernels::activation_f32;

enum Input { kX, kWeightIh, kWeightHh, kBiasIh, kBiasHh, kH, kC, kLengths };
enum Saved { kGates = kLengths + 1, kCells, kY };

// The extents, and which rows of which step belong to a sequence.
struct Steps {
  int64_t t, n, in, hidden;
  bool reverse;
  const int64_t* lengths;  // null: all t

  int64_t step(int64_t i) const { return reverse ? t - 1 - i : i; }
  bool active(int64_t step, int64_t row) const { return lengths == nullptr || step < lengths[row]; }
  // What the state at [step, row] was before: the row of `states` [t, n, hidden] one step earlier,
  // or of `start` [n, hidden].
  const float* before(int64_t step, int64_t row, const float* states, const float* start) const {
    const int64_t previous = reverse ? step + 1 : step - 1;
    const bool first = previous < 0 || previous >= t || !active(previous, row);
    return first ? start + row * hidden : states + (previous * n + row) * hidden;
  }
};

void check_shape(const char* what, const Tensor& t, const Shape& expected) {
  OCTET_CHECK(t.dtype() == DType::f32 && t.shape() == expected, "lstm: ", what, " is ",
              name_of(t.dtype()), " ", t.shape().text(), ", expects f32 ", expected.text());
}

Steps steps_of(std::span<const Tensor> inputs, bool reverse) {
  check_inputs("lstm", inputs, kLengths, kLengths + 1);
  const Tensor& x = inputs[kX];
  check_f32("lstm", "input", x, 3);
  check_f32("lstm", "weight_hh", inputs[kWeightHh], 2);
  Steps s{x.dim(0), x.dim(1), x.dim(2), inputs[kWeightHh].dim(1), reverse, nullptr};
  OCTET_CHECK(s.t > 0 && s.in > 0 && s.hidden > 0, "lstm: input is ", x.shape().text(),
              ", weight_hh ", inputs[kWeightHh].shape().text());
  check_shape("weight_ih", inputs[kWeightIh], {4 * s.hidden, s.in});
  check_shape("weight_hh", inputs[kWeightHh], {4 * s.hidden, s.hidden});
  check_shape("bias_ih", inputs[kBiasIh], {4 * s.hidden});
  check_shape("bias_hh", inputs[kBiasHh], {4 * s.hidden});
  check_shape("h", inputs[kH], {s.n, s.hidden});
  check_shape("c", inputs[kC], {s.n, s.hidden});
  if (inputs.size() == kLengths) return s;
  const Tensor& lengths = inputs[kLengths];
  OCTET_CHECK(lengths.dtype() == DType::s64 && lengths.shape() == Shape{s.n}, "lstm: lengths are ",
              name_of(lengths.dtype()), " ", lengths.shape().text(), ", expects s64 [", s.n, "]");
  s.lengths = lengths.data<int64_t>();
  for (int64_t row = 0; row < s.n; ++row)
    OCTET_CHECK(s.lengths[row] >= 1 && s.lengths[row] <= s.t, "lstm: length ", row, " is ",
                s.lengths[row], ", expects 1 to ", s.t);
  return s;
}

// run(row) for rows [0, n), on the threads of default_pool().
template <class Run>
void for_each_row(int64_t n, const Run& run) {
  default_pool()(static_cast<size_t>(n), [&](size_t begin, size_t end, unsigned) {
    for (size_t row = begin; row < end; ++row) run(static_cast<int64_t>(row));
  });
}

using Grid = std::optional<QParams>;

// lstm_cell.h; h on the grid, where there is one.
void step_row(size_t hidden, float* gates, const float* recurrent, float* h, float* c,
              const Grid& grid) {
  kernels::lstm_cell(hidden, gates, recurrent, h, c);
  if (!grid) return;
  const float inverse = 1.0f / grid->scale;
  for (size_t k = 0; k < hidden; ++k)
    h[k] = dequantize_value(quantize_value(h[k], inverse, *grid), *grid);
}

// Whether the gradient passes straight through the rounding of v.
bool passes(float v, const Grid& grid) {
  if (!grid) return true;
  const float q = std::nearbyintf(v * (1.0f / grid->scale)) + static_cast<float>(grid->zero_point);
  return q >= static_cast<float>(grid->quant_min) && q <= static_cast<float>(grid->quant_max);
}

// gates: i, f, g, o in, d loss / d a out. c: after the step, before: before it. dh: of y and of the
// step behind, together; dc: of the step behind in, of the step before out. work: hidden elements.
void step_back_row(size_t hidden, float* gates, const float* c, const float* before,
                   const float* dh, float* dc, float* work, const Grid& grid) {
  float *i = gates, *f = i + hidden, *g = f + hidden, *o = g + hidden;
  kernel::tanh(c, work, hidden);
  for (size_t k = 0; k < hidden; ++k) {
    const float z = work[k], dhk = passes(o[k] * z, grid) ? dh[k] : 0.0f;
    const float dck = dc[k] + dhk * o[k] * ((1.0f - z) * (1.0f + z));
    const float di = dck * g[k], df = dck * before[k], dg = dck * i[k], d_o = dhk * z;
    dc[k] = dck * f[k];
    i[k] = di * i[k] * (1.0f - i[k]);
    f[k] = df * f[k] * (1.0f - f[k]);
    g[k] = dg * ((1.0f - g[k]) * (1.0f + g[k]));
    o[k] = d_o * o[k] * (1.0f - o[k]);
  }
}

// a b for a: [rows, inner], b: [inner, columns].
Tensor product(const Tensor& a, const Tensor& b, int64_t rows, int64_t inner, int64_t columns,
               const Shape& shape) {
  const Tensor turned = Tensor::empty({columns, inner}), y = Tensor::empty(shape);
  transpose_matrix(b.data<float>(), inner, columns, turned.data<float>());
  PackedMatrix(turned.data<float>(), columns, inner)
      .multiply(a.data<float>(), rows, y.data<float>());
  return y;
}

Tensor or_zeros(const BackwardArgs& args, size_t i, const Shape& shape) {
  // A copy: it will be written to.
  if (i < args.dy.size() && args.dy[i].defined()) return args.dy[i].view(shape).clone();
  return Tensor::zeros(shape);
}

Tensor column_sums(const Tensor& rows, int64_t columns) {
  const Tensor sums = Tensor::zeros({columns});
  float* to = sums.data<float>();
  const float* from = rows.data<float>();
  for (int64_t i = 0; i < rows.elements() / columns; ++i)
    for (int64_t k = 0; k < columns; ++k) to[k] += from[i * columns + k];
  return sums;
}

// The steps backwards: gates become d loss / d a of every step, dh and dc those of the start.
void walk_back(const Steps& s, std::span<const Tensor> saved, const Tensor& gates, const Tensor& dy,
               const Tensor& dh, const Tensor& dc, const Grid& grid) {
  const size_t hidden = static_cast<size_t>(s.hidden);
  const Tensor turned = Tensor::empty({s.hidden, 4 * s.hidden});
  transpose_matrix(saved[kWeightHh].data<float>(), 4 * s.hidden, s.hidden, turned.data<float>());
  const PackedMatrix weight(turned.data<float>(), s.hidden, 4 * s.hidden);
  const Tensor next = Tensor::empty({s.n, s.hidden}), work = Tensor::empty({s.n, s.hidden});
  const float *cells = saved[kCells].data<float>(), *start = saved[kC].data<float>();
  for (int64_t i = s.t; i-- > 0;) {
    const int64_t t = s.step(i);
    float* da = gates.data<float>() + t * s.n * 4 * s.hidden;
    for_each_row(s.n, [&](int64_t row) {
      const int64_t at = (t * s.n + row) * s.hidden, from = row * s.hidden;
      float *a = da + row * 4 * s.hidden, *d = dh.data<float>() + from;
      if (!s.active(t, row)) {
        std::fill_n(a, 4 * hidden, 0.0f);
        return;
      }
      if (dy.defined())
        for (size_t k = 0; k < hidden; ++k) d[k] += dy.data<float>()[at + static_cast<int64_t>(k)];
      step_back_row(hidden, a, cells + at, s.before(t, row, cells, start), d,
                    dc.data<float>() + from, work.data<float>() + from, grid);
    });
    weight.multiply(da, s.n, next.data<float>());
    for_each_row(s.n, [&](int64_t row) {
      if (s.active(t, row))
        std::copy_n(next.data<float>() + row * s.hidden, hidden, dh.data<float>() + row * s.hidden);
    });
  }
}

// h before every step: [t, n, hidden].
Tensor states_before(const Steps& s, const Tensor& y, const Tensor& start) {
  const Tensor h = Tensor::empty(y.shape());
  for (int64_t t = 0; t < s.t; ++t)
    for (int64_t row = 0; row < s.n; ++row)
      std::copy_n(s.before(t, row, y.data<float>(), start.data<float>()), s.hidden,
                  h.data<float>() + (t * s.n + row) * s.hidden);
  return h;
}

}  // namespace

std::vector<Tensor> LstmDirectionOp::forward(std::span<const Tensor> inputs) const {
  std::vector<Tensor> saved;
  return forward_saving(inputs, saved);
}

std::vector<Tensor> LstmDirectionOp::forward_saving(std::span<const Tensor> inputs,
                                                    std::vector<Tensor>& saved) const {
  const Steps s = steps_of(inputs, reverse_);
  const size_t hidden = static_cast<size_t>(s.hidden);
  const Tensor gates = Tensor::empty({s.t, s.n, 4 * s.hidden});
  PackedMatrix(inputs[kWeightIh].data<float>(), 4 * s.hidden, s.in, inputs[kBiasIh].data<float>())
      .multiply(inputs[kX].data<float>(), s.t * s.n, gates.data<float>());
  const PackedMatrix weight(inputs[kWeightHh].data<float>(), 4 * s.hidden, s.hidden,
                            inputs[kBiasHh].data<float>());
  const Tensor y = Tensor::empty({s.t, s.n, s.hidden}), cells = Tensor::empty(y.shape());
  const Tensor h = inputs[kH].clone(), c = inputs[kC].clone();
  const Tensor recurrent = Tensor::empty({s.n, 4 * s.hidden});
  for (int64_t i = 0; i < s.t; ++i) {
    const int64_t t = s.step(i);
    weight.multiply(h.data<float>(), s.n, recurrent.data<float>());
    for_each_row(s.n, [&](int64_t row) {
      const int64_t at = t * s.n + row;
      float *hr = h.data<float>() + row * s.hidden, *cr = c.data<float>() + row * s.hidden;
      const bool active = s.active(t, row);
      if (active)
        step_row(hidden, gates.data<float>() + at * 4 * s.hidden,
                 recurrent.data<float>() + row * 4 * s.hidden, hr, cr, grid_);
      std::copy_n(cr, hidden, cells.data<float>() + at * s.hidden);
      if (active) {
        std::copy_n(hr, hidden, y.data<float>() + at * s.hidden);
      } else {
        std::fill_n(y.data<float>() + at * s.hidden, hidden, 0.0f);
      }
    });
  }
  saved.assign(inputs.begin(), inputs.end());
  saved.resize(kLengths + 1);
  saved.insert(saved.end(), {gates, cells, y});
  const Shape last{1, s.n, s.hidden};
  return {y, h.view(last), c.view(last)};
}

std::vector<Tensor> LstmDirectionOp::backward(const BackwardArgs& args) const {
  const std::span<const Tensor> saved = args.saved;
  const Steps s =
      steps_of(saved.first(saved[kLengths].defined() ? kLengths + 1 : kLengths), reverse_);
  const int64_t rows = s.t * s.n, width = 4 * s.hidden;
  const Shape state{s.n, s.hidden};
  const Tensor dh = or_zeros(args, 1, state), dc = or_zeros(args, 2, state);
  // What was saved is this op's alone.
  const Tensor da = saved[kGates];
  walk_back(s, saved, da, args.dy[0], dh, dc, grid_);
  std::vector<Tensor> dx(args.inputs.size());
  dx[kH] = dh;
  dx[kC] = dc;
  if (args.wants(kX)) dx[kX] = product(da, saved[kWeightIh], rows, width, s.in, saved[kX].shape());
  if (args.wants(kBiasIh)) dx[kBiasIh] = column_sums(da, width);
  // Of its own: whoever scales gradients scales each.
  if (args.wants(kBiasHh)) dx[kBiasHh] = column_sums(da, width);
  if (s.n == 0 || !(args.wants(kWeightIh) || args.wants(kWeightHh))) return dx;
  const Tensor turned = Tensor::empty({width, rows});
  transpose_matrix(da.data<float>(), rows, width, turned.data<float>());
  if (args.wants(kWeightIh))
    dx[kWeightIh] = product(turned, saved[kX], width, rows, s.in, saved[kWeightIh].shape());
  if (args.wants(kWeightHh))
    dx[kWeightHh] = product(turned, states_before(s, saved[kY], saved[kH]), width, rows, s.hidden,
                            saved[kWeightHh].shape());
  return dx;
}

}  // namespace octet::nn
