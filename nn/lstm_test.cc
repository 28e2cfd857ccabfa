#define BOOST_TEST_MODULE lstm
#include "nn/lstm.h"

#include <boost/test/unit_test.hpp>

#include "nn/gradient_testing.h"
#include "nn/graph.h"
#include "nn/lstm_direction.h"
#include "nn/nn_testing.h"
#include "tensor/backward.h"

namespace octet::nn {
namespace {

using testing::check_gradients;
using testing::equal_bits;
using testing::Inputs;
using testing::message_of;
using testing::Values;

constexpr size_t kSteps = 4, kRows = 3, kIn = 5, kHidden = 2;

// A step makes 7 + 60 roundings in a gate (pointwise_test.cc: gates are within sigmoid(+-2)), the
// products kIn + kHidden + 2; a term goes through all steps, forwards and backwards.
constexpr int kRoundings = 2 * kSteps * (67 + kIn + kHidden + 2);

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

// One row of one step: in, weight_ih, weight_hh, bias_ih, bias_hh as in x[1..4].
void step(const std::vector<Values>& x, const double* in, size_t inputs, double* h, double* c) {
  const Values old(h, h + kHidden);
  for (size_t k = 0; k < kHidden; ++k) {
    double a[4];
    for (size_t gate = 0; gate < 4; ++gate) {
      const size_t o = gate * kHidden + k;
      a[gate] = x[3][o] + x[4][o];
      for (size_t i = 0; i < inputs; ++i) a[gate] += x[1][o * inputs + i] * in[i];
      for (size_t i = 0; i < kHidden; ++i) a[gate] += x[2][o * kHidden + i] * old[i];
    }
    c[k] = sigmoid(a[1]) * c[k] + sigmoid(a[0]) * std::tanh(a[2]);
    h[k] = sigmoid(a[3]) * std::tanh(c[k]);
  }
}

// x: the inputs of LstmDirectionOp. y, h, c one after another.
Values direction(const std::vector<Values>& x, bool reverse) {
  const size_t inputs = x[1].size() / (4 * kHidden);
  Values y(kSteps * kRows * kHidden), h = x[5], c = x[6];
  for (size_t row = 0; row < kRows; ++row) {
    const size_t length = x.size() > 7 ? static_cast<size_t>(x[7][row]) : kSteps;
    for (size_t i = 0; i < length; ++i) {
      const size_t at = (reverse ? length - 1 - i : i) * kRows + row;
      step(x, x[0].data() + at * inputs, inputs, h.data() + row * kHidden,
           c.data() + row * kHidden);
      std::copy_n(h.data() + row * kHidden, kHidden, y.data() + at * kHidden);
    }
  }
  y.insert(y.end(), h.begin(), h.end());
  y.insert(y.end(), c.begin(), c.end());
  return y;
}

Tensor lengths() { return Tensor::from<int64_t>({3}, std::vector<int64_t>{3, 4, 1}); }

std::vector<Tensor> direction_inputs() {
  return {uniform({kSteps, kRows, kIn}, 1.0f),   uniform({4 * kHidden, kIn}, 0.5f),
          uniform({4 * kHidden, kHidden}, 0.5f), uniform({4 * kHidden}, 0.5f),
          uniform({4 * kHidden}, 0.5f),          uniform({kRows, kHidden}, 1.0f),
          uniform({kRows, kHidden}, 1.0f)};
}

std::vector<Tensor> run_direction(Inputs x, bool reverse) {
  return octet::apply(std::make_shared<LstmDirectionOp>(reverse), {x.begin(), x.end()});
}

// Two layers of two directions: parameters[4 * i] are those of the i-th.
Values two_layers(Values x, const std::vector<Values>& parameters) {
  const Values zeros(kRows * kHidden);
  for (size_t layer = 0; layer < 2; ++layer) {
    Values joined;
    Values y[2];
    for (size_t d = 0; d < 2; ++d) {
      const auto* p = parameters.data() + 4 * (2 * layer + d);
      y[d] = direction({x, p[0], p[1], p[2], p[3], zeros, zeros}, d == 1);
    }
    for (size_t at = 0; at < kSteps * kRows; ++at)
      for (const Values& one : y)
        joined.insert(joined.end(), one.begin() + at * kHidden, one.begin() + (at + 1) * kHidden);
    x = joined;
  }
  return x;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_direction_has_its_gradients) {
  for (bool reverse : {false, true})
    for (bool packed : {false, true}) {
      std::vector<Tensor> inputs = direction_inputs();
      if (packed) inputs.push_back(lengths());
      check_gradients(
          "lstm", [&](Inputs x) { return run_direction(x, reverse); }, inputs,
          [&](const auto& x) { return direction(x, reverse); }, {.roundings = kRoundings});
    }
}

BOOST_AUTO_TEST_CASE(each_result_alone_has_its_gradients) {
  const std::vector<Tensor> inputs = direction_inputs();
  const size_t y = kSteps * kRows * kHidden, state = kRows * kHidden;
  const size_t begin[] = {0, y, y + state}, end[] = {y, y + state, y + 2 * state};
  for (size_t i = 0; i < 3; ++i)
    check_gradients(
        "lstm", [&](Inputs x) { return run_direction(x, false)[i]; }, inputs,
        [&](const auto& x) {
          const Values all = direction(x, false);
          return Values(all.begin() + begin[i], all.begin() + end[i]);
        },
        {.roundings = kRoundings});
}

BOOST_AUTO_TEST_CASE(layers_and_directions_follow_each_other) {
  Lstm lstm(kIn, kHidden, {.num_layers = 2, .bidirectional = true});
  const Tensor x = uniform({kSteps, kRows, kIn}, 1.0f);
  std::vector<Values> parameters;
  for (const auto& [name, tensor] : lstm.named_parameters())
    parameters.emplace_back(tensor.values<float>().begin(), tensor.values<float>().end());
  // Parameters are the module's: the gradient of x goes through all of them.
  check_gradients(
      "lstm", [&](Inputs in) { return lstm(in[0]); }, {x},
      [&](const auto& in) { return two_layers(in[0], parameters); }, {.roundings = 2 * kRoundings});
}

BOOST_AUTO_TEST_CASE(parameters_have_the_names_of_pytorch) {
  Lstm lstm(3, 2, {.num_layers = 2, .bidirectional = true});
  std::string names;
  for (const auto& [name, tensor] : lstm.named_parameters()) {
    names += name + tensor.shape().text() + " ";
    for (float w : tensor.values<float>()) BOOST_REQUIRE(std::abs(w) <= std::sqrt(0.5f));
  }
  BOOST_TEST(names ==
             "weight_ih_l0[8, 3] weight_hh_l0[8, 2] bias_ih_l0[8] bias_hh_l0[8] "
             "weight_ih_l0_reverse[8, 3] weight_hh_l0_reverse[8, 2] bias_ih_l0_reverse[8] "
             "bias_hh_l0_reverse[8] "
             "weight_ih_l1[8, 4] weight_hh_l1[8, 2] bias_ih_l1[8] bias_hh_l1[8] "
             "weight_ih_l1_reverse[8, 4] weight_hh_l1_reverse[8, 2] bias_ih_l1_reverse[8] "
             "bias_hh_l1_reverse[8] ");
}

// Rows alone, at their own length, are the same as in a padded batch.
BOOST_AUTO_TEST_CASE(padding_changes_nothing) {
  Lstm lstm(kIn, kHidden, {.num_layers = 2, .batch_first = true, .bidirectional = true});
  const Tensor x = uniform({kRows, kSteps, kIn}, 1.0f);
  const LstmResult all = lstm.run(x, lengths());
  BOOST_CHECK(all.output.shape() == (Shape{kRows, kSteps, 2 * kHidden}));
  BOOST_CHECK(all.state.h.shape() == (Shape{4, kRows, kHidden}));
  for (int64_t row = 0; row < 3; ++row) {
    const int64_t length = lengths().data<int64_t>()[row];
    const Tensor own = x.slice(row, row + 1).view({kSteps, kIn}).slice(0, length);
    const LstmResult one = lstm.run(own.view({1, length, kIn}));
    const Tensor padded = all.output.slice(row, row + 1).view({kSteps, 2 * kHidden});
    BOOST_TEST(equal_bits(padded.slice(0, length), one.output.view({length, 2 * kHidden})));
    for (float v : padded.slice(length, kSteps).values<float>()) BOOST_TEST(v == 0.0f);
    for (int64_t layer = 0; layer < 4; ++layer)
      for (int64_t k = 0; k < 2; ++k) {
        const int64_t at = (layer * 3 + row) * 2 + k;
        BOOST_TEST(all.state.h.data<float>()[at] == one.state.h.data<float>()[layer * 2 + k]);
        BOOST_TEST(all.state.c.data<float>()[at] == one.state.c.data<float>()[layer * 2 + k]);
      }
  }
}

// Two halves, the second from the state of the first.
BOOST_AUTO_TEST_CASE(a_sequence_can_be_cut) {
  Lstm lstm(kIn, kHidden, {.num_layers = 2});
  const Tensor x = uniform({kSteps, kRows, kIn}, 1.0f);
  const LstmResult whole = lstm.run(x), first = lstm.run(x.slice(0, 2));
  const LstmResult second = lstm.run(x.slice(2, 4), {}, first.state);
  BOOST_TEST(equal_bits(whole.output.slice(0, 2), first.output));
  BOOST_TEST(equal_bits(whole.output.slice(2, 4), second.output));
  BOOST_TEST(equal_bits(whole.state.c, second.state.c));
}

BOOST_AUTO_TEST_CASE(dropout_is_between_layers_in_training) {
  Lstm plain(3, 2, {.num_layers = 2}), dropping(3, 2, {.num_layers = 2, .dropout = 0.5f});
  dropping.load_state_dict(plain.state_dict());
  const Tensor x = uniform({4, 3, 3}, 1.0f);
  const LstmResult a = plain.run(x), b = dropping.run(x);
  BOOST_TEST(equal_bits(a.state.h.slice(0, 1), b.state.h.slice(0, 1)));
  BOOST_TEST(!equal_bits(a.output, b.output));
  dropping.eval();
  BOOST_TEST(equal_bits(a.output, dropping(x)));
}

// [a, b, inner] to [b, a, inner].
Values turned(const Values& x, size_t a, size_t b, size_t inner) {
  Values y;
  for (size_t j = 0; j < b; ++j)
    for (size_t i = 0; i < a; ++i)
      y.insert(y.end(), x.begin() + static_cast<ptrdiff_t>((i * b + j) * inner),
               x.begin() + static_cast<ptrdiff_t>((i * b + j + 1) * inner));
  return y;
}

// Both directions of one layer: y [n, t, 2 * hidden], then h and c [2, n, hidden].
Values both_directions(std::vector<Values> x) {
  const size_t state = kRows * kHidden;
  x[0] = turned(x[0], kRows, kSteps, kIn);
  Values all[2], y;
  for (size_t d = 0; d < 2; ++d) {
    std::vector<Values> own{x[0], x[1 + 4 * d], x[2 + 4 * d], x[3 + 4 * d], x[4 + 4 * d]};
    for (const size_t i : {9u, 10u})
      own.emplace_back(x[i].begin() + static_cast<ptrdiff_t>(d * state),
                       x[i].begin() + static_cast<ptrdiff_t>((d + 1) * state));
    all[d] = direction(own, d == 1);
  }
  for (size_t at = 0; at < kSteps * kRows; ++at)
    for (const Values& one : all)
      y.insert(y.end(), one.begin() + static_cast<ptrdiff_t>(at * kHidden),
               one.begin() + static_cast<ptrdiff_t>((at + 1) * kHidden));
  y = turned(y, kSteps, kRows, 2 * kHidden);
  for (const size_t part : {0u, 1u})
    for (const Values& one : all) {
      const auto from =
          one.begin() + static_cast<ptrdiff_t>(kSteps * kRows * kHidden + part * state);
      y.insert(y.end(), from, from + static_cast<ptrdiff_t>(state));
    }
  return y;
}

BOOST_AUTO_TEST_CASE(a_layer_of_both_directions_has_its_gradients) {
  const std::vector<Tensor> one = direction_inputs(), other = direction_inputs();
  std::vector<Tensor> inputs{uniform({kRows, kSteps, kIn}, 1.0f)};
  for (const auto& parameters : {one, other})
    inputs.insert(inputs.end(), parameters.begin() + 1, parameters.begin() + 5);
  for (int i = 0; i < 2; ++i) inputs.push_back(uniform({2, kRows, kHidden}, 1.0f));
  const LstmLayerOptions options{
      .batch_first = true, .bidirectional = true, .state = true, .grid = {}};
  check_gradients(
      "lstm",
      [&](Inputs x) {
        return octet::apply(std::make_shared<LstmLayerOp>(options), {x.begin(), x.end()});
      },
      inputs, both_directions, {.roundings = 2 * kRoundings});
}

// On a grid with steps of 2^-20 each of 24 states is off by 2^-21, which changes a gradient by less
// than 8 times that: weights, gates and their derivatives are below 1. Nothing passes a grid that
// holds no value.
BOOST_AUTO_TEST_CASE(the_gradient_passes_a_grid_straight_where_it_holds_the_value) {
  std::vector<Tensor> inputs = direction_inputs();
  for (Tensor& t : inputs) t.set_requires_grad();
  const auto gradient = [&](const std::optional<QParams>& grid) {
    inputs[0].zero_grad();
    const Recording recording;
    const Tensor y = octet::apply(std::make_shared<LstmDirectionOp>(false, grid), inputs)[0];
    backward(y, Tensor::full(y.shape(), 1.0f));
    return inputs[0].grad().clone();
  };
  const Tensor free = gradient({});
  const Tensor fine = gradient(QParams{0x1p-20f, 1 << 22, 0, 1 << 23});
  const Tensor shut = gradient(QParams{1.0f, 9, 10, 20});
  for (int64_t i = 0; i < free.elements(); ++i) {
    BOOST_TEST(std::abs(fine.data<float>()[i] - free.data<float>()[i]) <= 24 * 8 * 0x1p-21f);
    BOOST_TEST(shut.data<float>()[i] == 0.0f);
  }
}

BOOST_AUTO_TEST_CASE(programs_compute_the_same_bits_as_the_model) {
  Lstm lstm(kIn, kHidden, {.num_layers = 2, .batch_first = true});
  const engine::Program program = lower(trace(lstm, Tensor::zeros({1, 300, kIn})));
  BOOST_REQUIRE(program.instructions.size() == 2u);
  BOOST_TEST(program.instructions[0].op == "lstm");
  BOOST_TEST(program.instructions[1].name == "lstm#1");
  const Tensor x = uniform({kRows, 300, kIn}, 1.0f);
  BOOST_TEST(equal_bits(testing::run_engine(program, x), lstm(x)));
}

BOOST_AUTO_TEST_CASE(programs_run_in_both_directions) {
  Lstm lstm(kIn, kHidden, {.num_layers = 2, .batch_first = true, .bidirectional = true});
  const engine::Program program = lower(trace(lstm, Tensor::zeros({1, kSteps, kIn})));
  const Tensor x = uniform({kRows, kSteps, kIn}, 1.0f);
  const Tensor y = testing::run_engine(program, x);
  BOOST_TEST(equal_bits(y, lstm(x)));
  BOOST_TEST(equal_bits(y, lstm.run(x).output));
}

BOOST_AUTO_TEST_CASE(what_can_not_be_lowered_is_said) {
  Lstm steps_first(kIn, kHidden);
  BOOST_TEST(message_of([&] {
               lower(trace(steps_first, Tensor::zeros({1, 2, kIn})));
             }) == "lstm: lstm: only batch_first without lengths can be lowered");
  Lstm lstm(kIn, kHidden, {.batch_first = true});
  testing::Lambda started([&](const Tensor& x) {
    const Tensor state = Tensor::full({1, 1, kHidden}, 0.5f);
    return lstm.run(x, {}, LstmState{state, state}).output;
  });
  BOOST_TEST(message_of([&] {
               lower(trace(started, Tensor::zeros({1, 2, kIn})));
             }).find("only a start of zeros can be lowered") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(messages_name_the_values) {
  Lstm lstm(3, 2);
  BOOST_TEST(message_of([&] {
               lstm(Tensor::zeros({4, 2, 5}));
             }) == "lstm: weight_ih is f32 [8, 3], expects f32 [8, 5]");
  BOOST_TEST(message_of([&] {
               lstm(Tensor::zeros({4, 3}));
             }) == "lstm: input is [4, 3], expects 3 dimensions");
  BOOST_TEST(message_of([&] {
               lstm.run(Tensor::zeros({3, 3, 3}), lengths());
             }) == "lstm: length 1 is 4, expects 1 to 3");
  BOOST_TEST(message_of([] { Lstm(3, 0); }) == "lstm: input_size 3, hidden_size 0, num_layers 1");
}

}  // namespace octet::nn
