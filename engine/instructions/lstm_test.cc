// lstm and lstm_dynamic: against the formulas of kernels/lstm_cell.h and dynamic_rows.h
// put together by hand, and what must not change a sequence's result.
#define BOOST_TEST_MODULE lstm
#include <boost/test/unit_test.hpp>
#include <functional>

#include "engine/engine_testing.h"
#include "kernels/dynamic_rows.h"
#include "kernels/dynamic_rows_ref.h"
#include "kernels/lstm_cell.h"

namespace octet::engine {
namespace {

using Sequence = std::vector<float>;

constexpr int64_t kIn = 13, kHidden = 21, kGates = 4 * kHidden;

// Of both products, in both forms.
struct Weights {
  std::vector<float> ih, hh, bias_ih, bias_hh, scale_ih, scale_hh;
  std::vector<int8_t> q_ih, q_hh;

  Weights() : ih(kGates * kIn), hh(kGates * kHidden), q_ih(ih.size()), q_hh(hh.size()) {
    Rng rng(1);
    for (std::vector<float>* w : {&ih, &hh})
      for (float& v : *w) v = rng.uniform(-0.5f, 0.5f);
    for (std::vector<int8_t>* q : {&q_ih, &q_hh})
      for (int8_t& v : *q) v = static_cast<int8_t>(rng.integer(-127, 127));
    for (std::vector<float>* v : {&bias_ih, &bias_hh, &scale_ih, &scale_hh})
      for (int64_t i = 0; i < kGates; ++i) v->push_back(rng.uniform(0.001f, 0.004f));
  }
};

Program program_of(const Weights& w, bool dynamic, int64_t t, bool reverse = false) {
  Program p;
  p.inputs = {p.add_activation("x", DType::f32, {1, t, kIn})};
  std::vector<ValueId> inputs = p.inputs;
  const auto product = [&](int64_t in, const std::vector<float>& weight,
                           const std::vector<int8_t>& q, const std::vector<float>& bias,
                           const std::vector<float>& scale) {
    const Shape gates{kGates};
    inputs.push_back(dynamic ? p.add_constant("weight", DType::s8, {kGates, in}, q.data())
                             : p.add_constant("weight", DType::f32, {kGates, in}, weight.data()));
    inputs.push_back(p.add_constant("bias", DType::f32, gates, bias.data()));
    if (dynamic) inputs.push_back(p.add_constant("scale", DType::f32, gates, scale.data()));
  };
  product(kIn, w.ih, w.q_ih, w.bias_ih, w.scale_ih);
  product(kHidden, w.hh, w.q_hh, w.bias_hh, w.scale_hh);
  p.outputs = {p.add_activation("y", DType::f32, {1, t, kHidden})};
  Instruction& i =
      p.add_instruction(dynamic ? "lstm_dynamic" : "lstm", "layer", inputs, {p.outputs[0]});
  if (reverse) testing::set(i, "reverse", 1);
  return p;
}

Sequence random_sequences(size_t elements, uint64_t seed = 7) {
  Rng rng(seed);
  Sequence x(elements);
  for (float& v : x) v = rng.uniform(-2, 2);
  return x;
}

Sequence run(const std::shared_ptr<const Model>& model, const Sequence& x,
             const SessionOptions& options) {
  auto session = testing::required(Session::create(model, options));
  BOOST_REQUIRE(testing::bytes_of(*session, *model, model->program().inputs[0]) == 4 * x.size());
  std::memcpy(session->input(), x.data(), 4 * x.size());
  session->run();
  const size_t bytes = testing::bytes_of(*session, *model, model->program().outputs[0]);
  Sequence y(bytes / 4);
  std::memcpy(y.data(), session->output(), bytes);
  return y;
}

Sequence run(const Program& program, const Sequence& x, const SessionOptions& options) {
  return run(testing::make_model(program), x, options);
}

// One sequence of lstm_dynamic, step by step.
Sequence by_hand(const Weights& w, const Sequence& x) {
  using Params = kernels::dynamic_rows::Params;
  Params ih, hh;
  ih.inputs = kIn, ih.outputs = kGates, ih.weight = w.q_ih.data(), ih.bias = w.bias_ih.data();
  ih.weight_scale = w.scale_ih.data();
  hh.inputs = kHidden, hh.outputs = kGates, hh.weight = w.q_hh.data(), hh.bias = w.bias_hh.data();
  hh.weight_scale = w.scale_hh.data();
  Sequence h(kHidden), c(kHidden), gates(kGates), recurrent(kGates), y;
  for (size_t t = 0; t < x.size() / kIn; ++t) {
    kernels::ref::dynamic_rows::run(ih, x.data() + t * kIn, gates.data());
    kernels::ref::dynamic_rows::run(hh, h.data(), recurrent.data());
    kernels::lstm_cell(kHidden, gates.data(), recurrent.data(), h.data(), c.data());
    y.insert(y.end(), h.begin(), h.end());
  }
  return y;
}

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

// One sequence of lstm in double.
std::vector<double> in_double(const Weights& w, const Sequence& x) {
  std::vector<double> h(kHidden), c(kHidden), y;
  for (size_t t = 0; t < x.size() / kIn; ++t) {
    std::vector<double> a(kGates);
    for (size_t o = 0; o < kGates; ++o) {
      a[o] = double{w.bias_ih[o]} + w.bias_hh[o];
      for (size_t k = 0; k < kIn; ++k) a[o] += double{w.ih[o * kIn + k]} * x[t * kIn + k];
      for (size_t k = 0; k < kHidden; ++k) a[o] += double{w.hh[o * kHidden + k]} * h[k];
    }
    for (size_t k = 0; k < kHidden; ++k) {
      c[k] = sigmoid(a[kHidden + k]) * c[k] + sigmoid(a[k]) * std::tanh(a[2 * kHidden + k]);
      h[k] = sigmoid(a[3 * kHidden + k]) * std::tanh(c[k]);
    }
    y.insert(y.end(), h.begin(), h.end());
  }
  return y;
}

Sequence part(const Sequence& all, size_t begin, size_t count) {
  const auto from = all.begin() + static_cast<ptrdiff_t>(begin);
  return {from, from + static_cast<ptrdiff_t>(count)};
}

std::string why(bool dynamic, const std::function<void(Program&)>& edit) {
  Program program = program_of(Weights(), dynamic, 5);
  edit(program);
  return Model::create(std::move(program)).why();
}

}  // namespace

// A step changes h by less than the gates' errors: |sigmoid'| <= 1/4, |tanh'| <= 1, so that an
// error e of the gates is one of at most e (1/4 |c| + 1/4 + 1) in c and h, |c| <= 2 here; the
// products add (kIn + kHidden + 4) roundings of sums below kIn + kHidden, and h passes through
// weights of 1/2.
BOOST_AUTO_TEST_CASE(lstm_in_f32_is_near_its_formula_in_double) {
  const Weights w;
  constexpr size_t kSteps = 3;
  const Sequence x = random_sequences(kSteps * kIn);
  const Sequence y = run(program_of(w, false, kSteps), x, {});
  const std::vector<double> want = in_double(w, x);
  const double own = (kIn + kHidden + 4) * (kIn + kHidden) * 0x1p-24 + 70 * 0x1p-24;
  double error = 0;
  for (size_t t = 0; t < kSteps; ++t) {
    error = 1.75 * (own + 0.5 * kHidden * error) + error;
    for (size_t k = 0; k < kHidden; ++k)
      BOOST_TEST(std::abs(y[t * kHidden + k] - want[t * kHidden + k]) <= error);
  }
}

BOOST_AUTO_TEST_CASE(lstm_dynamic_equals_its_parts_step_by_step) {
  const Weights w;
  for (const size_t t : {1u, 5u, 300u}) {
    const Sequence x = random_sequences(t * kIn);
    BOOST_TEST((run(program_of(w, true, static_cast<int64_t>(t)), x, {}) == by_hand(w, x)));
  }
}

// The state stands still in no step: 300 steps pass through two chunks, with a batch through more.
BOOST_AUTO_TEST_CASE(batch_threads_and_the_reference_never_change_a_sequence) {
  const Weights w;
  constexpr size_t kSteps = 300, kBatch = 5;
  const Sequence x = random_sequences(kBatch * kSteps * kIn);
  ThreadPool pool(3);
  for (const bool dynamic : {false, true}) {
    const auto model = testing::make_model(program_of(w, dynamic, kSteps));
    const Sequence all = run(model, x, {.batch = kBatch});
    BOOST_TEST((run(model, x, {.batch = kBatch, .pool = &pool}) == all));
    if (dynamic) BOOST_TEST((run(model, x, {.batch = kBatch, .reference = true}) == all));
    for (size_t n = 0; n < kBatch; ++n)
      BOOST_TEST((run(model, part(x, n * kSteps * kIn, kSteps * kIn), {}) ==
                  part(all, n * kSteps * kHidden, kSteps * kHidden)));
  }
}

// Padding behind a sequence, whatever stands in it, or none: the steps before give the same bits.
BOOST_AUTO_TEST_CASE(length_and_padding_never_change_the_steps_before) {
  const Weights w;
  constexpr size_t kLong = 270;
  const Sequence x = random_sequences(kLong * kIn);
  for (const bool dynamic : {false, true}) {
    const Sequence whole = run(program_of(w, dynamic, kLong), x, {});
    for (const size_t length : {1u, 2u, 35u, 256u, 257u}) {
      const Sequence own = part(x, 0, length * kIn);
      const Sequence alone = run(program_of(w, dynamic, static_cast<int64_t>(length)), own, {});
      BOOST_TEST((alone == part(whole, 0, length * kHidden)));
      Sequence padded = own;
      padded.resize(kLong * kIn, 1000.0f);
      const Sequence y = run(program_of(w, dynamic, kLong), padded, {});
      BOOST_TEST((alone == part(y, 0, length * kHidden)));
    }
  }
}

BOOST_AUTO_TEST_CASE(reverse_is_forward_from_the_other_end) {
  const Weights w;
  constexpr size_t kSteps = 290;
  const Sequence x = random_sequences(kSteps * kIn);
  const auto turned = [](const Sequence& all, size_t width) {
    Sequence result;
    for (size_t t = all.size() / width; t-- > 0;)
      for (size_t k = 0; k < width; ++k) result.push_back(all[t * width + k]);
    return result;
  };
  for (const bool dynamic : {false, true})
    BOOST_TEST((turned(run(program_of(w, dynamic, kSteps, true), x, {}), kHidden) ==
                run(program_of(w, dynamic, kSteps), turned(x, kIn), {})));
}

BOOST_AUTO_TEST_CASE(lstms_that_break_the_contract_are_refused) {
  for (const bool dynamic : {false, true}) {
    const std::string layer = dynamic ? "lstm_dynamic 'layer': " : "lstm 'layer': ";
    const size_t y = dynamic ? 7 : 5, weight_hh = dynamic ? 4 : 3;
    const auto refused = [&](const std::function<void(Program&)>& edit) {
      return why(dynamic, edit);
    };
    BOOST_TEST(refused([](Program&) {}) == "");
    BOOST_TEST(refused([](Program& p) { p.instructions[0].inputs.pop_back(); }) ==
               layer + (dynamic ? "has 6 inputs, not 7" : "has 4 inputs, not 5"));
    BOOST_TEST(refused([](Program& p) {
                 p.values[0].shape = {1, 5 * kIn};
               }).starts_with(layer + "input [1, 65] and output"));
    BOOST_TEST(refused([](Program& p) {
                 p.values[0].shape = {1, 4, kIn};
               }).starts_with(layer + "input [1, 4, 13] and output"));
    BOOST_TEST(refused([&](Program& p) {
                 p.values[y].shape = {1, 5, kHidden - 1};
               }) == layer + "weight has shape [84, 13], not [80, 13]");
    BOOST_TEST(refused([&](Program& p) {
                 p.values[y].shape = {1, 5, int64_t{1} << 37};
               }).starts_with(layer + "output [1, 5, 137438953472] has more than 2^30"));
    BOOST_TEST(refused([&](Program& p) { p.instructions[0].inputs[weight_hh] = 1; }) ==
               layer + "weight has shape [84, 13], not [84, 21]");
    BOOST_TEST(refused([](Program& p) { testing::set(p.instructions[0], "reverse", 2); }) ==
               layer + "reverse is 2, not 0 or 1");
    BOOST_TEST(refused([](Program& p) {
                 p.values[0].dtype = DType::u8;
                 p.values[0].qparams = QParams();
               }) == layer + "input is u8, not f32");
    BOOST_TEST(refused([](Program& p) { p.values[0].dtype = DType::s64; }) ==
               layer + "input 0 is s64, not f32 or u8");
  }
}

}  // namespace octet::engine
