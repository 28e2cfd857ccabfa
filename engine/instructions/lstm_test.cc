// lstm and lstm_dynamic: against the formulas of kernels/lstm_cell.h and dynamic_rows.h
// put together by hand, and what must not change a sequence's result.
#define BOOST_TEST_MODULE lstm
#include <boost/test/unit_test.hpp>
#include <functional>

#include "engine/compose.h"
#include "engine/engine_testing.h"
#include "kernels/dynamic_rows.h"
#include "kernels/dynamic_rows_ref.h"
#include "kernels/lstm_cell_ref.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {
namespace {

using Sequence = std::vector<float>;

constexpr int64_t kIn = 13, kHidden = 21, kGates = 4 * kHidden;

// Of both products, in all forms.
struct Weights {
  std::vector<float> ih, hh, bias_ih, bias_hh, scale_ih, scale_hh;
  std::vector<int8_t> q_ih, q_hh;

  explicit Weights(uint64_t seed = 1)
      : ih(kGates * kIn), hh(kGates * kHidden), q_ih(ih.size()), q_hh(hh.size()) {
    Rng rng(seed);
    for (std::vector<float>* w : {&ih, &hh})
      for (float& v : *w) v = rng.uniform(-0.5f, 0.5f);
    for (std::vector<int8_t>* q : {&q_ih, &q_hh})
      for (int8_t& v : *q) v = static_cast<int8_t>(rng.integer(-127, 127));
    for (std::vector<float>* v : {&bias_ih, &bias_hh, &scale_ih, &scale_hh})
      for (int64_t i = 0; i < kGates; ++i) v->push_back(rng.uniform(0.001f, 0.004f));
  }
};

enum class Form { real, dynamic, integers };
constexpr Form kForms[] = {Form::real, Form::dynamic, Form::integers};

// What x and y are on in the integers' form.
const QParams kX{0.017f, 121, 0, 255}, kY{0.0079f, 127, 0, 255};

// From f32 to f32 in every form; one direction for each of `weights`.
Program program_of(const std::vector<Weights>& weights, Form form, int64_t t) {
  Program p;
  const Shape x_shape{1, t, kIn}, y_shape{1, t, kHidden * static_cast<int64_t>(weights.size())};
  const bool integers = form == Form::integers, real = form == Form::real;
  p.inputs = {p.add_activation("x", DType::f32, x_shape)};
  std::vector<ValueId> inputs = p.inputs;
  if (integers) {
    inputs = {p.add_activation("x", DType::u8, x_shape, kX)};
    p.add_instruction("quantize", "x", p.inputs, inputs);
  }
  const auto product = [&](int64_t in, const std::vector<float>& weight,
                           const std::vector<int8_t>& q, const std::vector<float>& bias,
                           const std::vector<float>& scale) {
    const Shape gates{kGates};
    inputs.push_back(real ? p.add_constant("weight", DType::f32, {kGates, in}, weight.data())
                          : p.add_constant("weight", DType::s8, {kGates, in}, q.data()));
    inputs.push_back(p.add_constant("bias", DType::f32, gates, bias.data()));
    if (!real) inputs.push_back(p.add_constant("scale", DType::f32, gates, scale.data()));
  };
  for (const Weights& w : weights) {
    product(kIn, w.ih, w.q_ih, w.bias_ih, w.scale_ih);
    product(kHidden, w.hh, w.q_hh, w.bias_hh, w.scale_hh);
  }
  const ValueId y = integers ? p.add_activation("y", DType::u8, y_shape, kY)
                             : p.add_activation("y", DType::f32, y_shape);
  p.add_instruction(form == Form::dynamic ? "lstm_dynamic" : "lstm", "layer", inputs, {y});
  p.outputs = {y};
  if (integers) {
    p.outputs = {p.add_activation("y", DType::f32, y_shape)};
    p.add_instruction("dequantize", "y", {y}, p.outputs);
  }
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

kernels::dynamic_rows::Params product_of(int64_t in, const std::vector<int8_t>& q,
                                         const std::vector<float>& bias,
                                         const std::vector<float>& scale, const QParams& x) {
  kernels::dynamic_rows::Params params;
  params.inputs = static_cast<size_t>(in), params.outputs = kGates, params.x = x;
  params.weight = q.data(), params.bias = bias.data(), params.weight_scale = scale.data();
  return params;
}

// One sequence of lstm_dynamic, or of lstm on integers, step by step.
Sequence by_hand(const Weights& w, const Sequence& x, Form form) {
  namespace rows = kernels::ref::dynamic_rows;
  using kernels::ref::quantize::quantize;
  const auto ih = product_of(kIn, w.q_ih, w.bias_ih, w.scale_ih, kX);
  const auto hh = product_of(kHidden, w.q_hh, w.bias_hh, w.scale_hh, kY);
  Sequence h(kHidden), c(kHidden), gates(kGates), recurrent(kGates), y;
  std::vector<uint8_t> qx(kIn), qh(kHidden, 127);
  for (size_t t = 0; t < x.size() / kIn; ++t) {
    const float* xt = x.data() + t * kIn;
    if (form == Form::dynamic) {
      rows::run(ih, xt, gates.data());
      rows::run(hh, h.data(), recurrent.data());
    } else {
      for (size_t k = 0; k < kIn; ++k) qx[k] = quantize(xt[k], kX);
      rows::run_u8(ih, qx.data(), gates.data());
      rows::run_u8(hh, qh.data(), recurrent.data());
    }
    kernels::ref::lstm_cell(kHidden, gates.data(), recurrent.data(), h.data(), c.data());
    for (size_t k = 0; k < kHidden; ++k) {
      qh[k] = quantize(h[k], kY);
      y.push_back(form == Form::dynamic ? h[k] : kernels::ref::quantize::dequantize(qh[k], kY));
    }
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

// With the state, and both directions.
std::string why(Form form, const std::function<void(Program&)>& edit) {
  Program program = with_state(program_of({Weights(1), Weights(2)}, form, 5));
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
  const Sequence y = run(program_of({w}, Form::real, kSteps), x, {});
  const std::vector<double> want = in_double(w, x);
  const double own = (kIn + kHidden + 4) * (kIn + kHidden) * 0x1p-24 + 70 * 0x1p-24;
  double error = 0;
  for (size_t t = 0; t < kSteps; ++t) {
    error = 1.75 * (own + 0.5 * kHidden * error) + error;
    for (size_t k = 0; k < kHidden; ++k)
      BOOST_TEST(std::abs(y[t * kHidden + k] - want[t * kHidden + k]) <= error);
  }
}

BOOST_AUTO_TEST_CASE(forms_with_s8_weights_equal_their_parts_step_by_step) {
  const Weights w;
  for (const Form form : {Form::dynamic, Form::integers})
    for (const size_t t : {1u, 5u, 300u}) {
      const Sequence x = random_sequences(t * kIn);
      BOOST_TEST(
          (run(program_of({w}, form, static_cast<int64_t>(t)), x, {}) == by_hand(w, x, form)));
    }
}

// The state stands still in no step: 300 steps pass through two chunks, with a batch through more.
BOOST_AUTO_TEST_CASE(batch_threads_and_the_reference_never_change_a_sequence) {
  constexpr size_t kSteps = 300, kBatch = 5, kWidth = 2 * kHidden;
  const Sequence x = random_sequences(kBatch * kSteps * kIn);
  ThreadPool pool(3);
  for (const Form form : kForms) {
    const auto model = testing::make_model(program_of({Weights(1), Weights(2)}, form, kSteps));
    const Sequence all = run(model, x, {.batch = kBatch});
    BOOST_TEST((run(model, x, {.batch = kBatch, .pool = &pool}) == all));
    BOOST_TEST((run(model, x, {.batch = kBatch, .reference = true}) == all));
    for (size_t n = 0; n < kBatch; ++n)
      BOOST_TEST((run(model, part(x, n * kSteps * kIn, kSteps * kIn), {}) ==
                  part(all, n * kSteps * kWidth, kSteps * kWidth)));
  }
}

// Padding behind a sequence, whatever stands in it, or none: the steps before give the same bits.
BOOST_AUTO_TEST_CASE(length_and_padding_never_change_the_steps_before) {
  const Weights w;
  constexpr size_t kLong = 270;
  const Sequence x = random_sequences(kLong * kIn);
  for (const Form form : kForms) {
    const Sequence whole = run(program_of({w}, form, kLong), x, {});
    for (const size_t length : {1u, 2u, 35u, 256u, 257u}) {
      const Sequence own = part(x, 0, length * kIn);
      const Sequence alone = run(program_of({w}, form, static_cast<int64_t>(length)), own, {});
      BOOST_TEST((alone == part(whole, 0, length * kHidden)));
      Sequence padded = own;
      padded.resize(kLong * kIn, 1000.0f);
      const Sequence y = run(program_of({w}, form, kLong), padded, {});
      BOOST_TEST((alone == part(y, 0, length * kHidden)));
    }
  }
}

BOOST_AUTO_TEST_CASE(reverse_is_forward_from_the_other_end_and_stands_beside_it) {
  const Weights w(1), other(2);
  constexpr size_t kSteps = 290;
  const Sequence x = random_sequences(kSteps * kIn);
  const auto turned = [](const Sequence& all, size_t width) {
    Sequence result;
    for (size_t t = all.size() / width; t-- > 0;)
      for (size_t k = 0; k < width; ++k) result.push_back(all[t * width + k]);
    return result;
  };
  for (const Form form : kForms) {
    const Sequence forward = run(program_of({w}, form, kSteps), x, {});
    const Sequence reverse =
        turned(run(program_of({other}, form, kSteps), turned(x, kIn), {}), kHidden);
    Sequence joined;
    for (size_t t = 0; t < kSteps; ++t)
      for (const Sequence* y : {&forward, &reverse})
        for (size_t k = 0; k < kHidden; ++k) joined.push_back((*y)[t * kHidden + k]);
    BOOST_TEST((joined == run(program_of({w, other}, form, kSteps), x, {})));
  }
}

// The last state of a piece is the first of the next.
BOOST_AUTO_TEST_CASE(a_stream_of_pieces_gives_the_bits_of_the_whole) {
  constexpr size_t kBatch = 2, kSteps = 30;
  const Sequence x = random_sequences(kBatch * kSteps * kIn);
  for (const Form form : kForms) {
    const Sequence whole = run(program_of({Weights()}, form, kSteps), x, {.batch = kBatch});
    for (const size_t piece : {1u, 5u}) {
      const auto model = testing::make_model(
          with_state(program_of({Weights()}, form, static_cast<int64_t>(piece))));
      auto session = testing::required(Session::create(model, {.batch = kBatch}));
      const std::vector<ValueId>& outputs = model->program().outputs;
      BOOST_REQUIRE(outputs.size() == 3u);
      std::memset(session->input(1), form == Form::integers ? kY.zero_point : 0,
                  testing::bytes_of(*session, *model, outputs[1]));
      std::memset(session->input(2), 0, testing::bytes_of(*session, *model, outputs[2]));
      for (size_t t = 0; t < kSteps; t += piece) {
        auto* input = static_cast<float*>(session->input());
        for (size_t n = 0; n < kBatch; ++n)
          std::copy_n(x.data() + (n * kSteps + t) * kIn, piece * kIn, input + n * piece * kIn);
        session->run();
        const auto* y = static_cast<const float*>(session->output());
        for (size_t n = 0; n < kBatch; ++n)
          BOOST_TEST(std::equal(y + n * piece * kHidden, y + (n + 1) * piece * kHidden,
                                whole.data() + (n * kSteps + t) * kHidden));
        for (const size_t i : {1u, 2u})
          std::memcpy(session->input(i), session->output(i),
                      testing::bytes_of(*session, *model, outputs[i]));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(lstms_that_break_the_contract_are_refused) {
  for (const Form form : kForms) {
    const std::string layer = form == Form::dynamic ? "lstm_dynamic 'layer': " : "lstm 'layer': ";
    const std::string count = form == Form::real ? "10 inputs, not 11" : "14 inputs, not 15";
    const auto refused = [&](const std::function<void(Program&, Instruction&)>& edit) {
      return why(form,
                 [&](Program& p) { edit(p, p.instructions[form == Form::integers ? 1 : 0]); });
    };
    const auto x = [](Program& p, const Instruction& i) -> Value& { return p.values[i.inputs[0]]; };
    const auto y = [](Program& p, const Instruction& i) -> Value& {
      return p.values[i.outputs[0]];
    };
    BOOST_TEST(refused([](Program&, Instruction&) {}) == "");
    BOOST_TEST(refused([](Program&, Instruction& i) { i.inputs.pop_back(); }) ==
               layer + "has " + count);
    BOOST_TEST(refused([&](Program& p, Instruction& i) {
                 x(p, i).shape = {1, 5 * kIn};
                 p.values[p.inputs[0]].shape = {1, 5 * kIn};
               }).starts_with(layer + "input [1, 65] and output"));
    BOOST_TEST(refused([&](Program& p, Instruction& i) {
                 y(p, i).shape = {1, 5, 2 * kHidden - 1};
               }) == layer + "output [1, 5, 41] has not the features of 2 directions");
    BOOST_TEST(refused([&](Program& p, Instruction& i) {
                 y(p, i).shape = {1, 5, int64_t{1} << 37};
               }).starts_with(layer + "output [1, 5, 137438953472] has more than 2^30"));
    BOOST_TEST(refused([](Program& p, Instruction& i) {
                 p.values[i.inputs[1]].shape = {1, kHidden};
               }) == layer + "h has shape [1, 21], not [1, 42]");
    BOOST_TEST(refused([](Program& p, Instruction& i) {
                 p.values[i.outputs[2]].shape = {1, kHidden};
               }) == layer + "c has shape [1, 21], not [1, 42]");
    BOOST_TEST(refused([](Program&, Instruction& i) {
                 i.inputs[3 + 2] = i.inputs[3];
               }).starts_with(layer));
    BOOST_TEST(refused([](Program&, Instruction& i) { testing::set(i, "reverse", 1); }) ==
               layer + "unknown attribute 'reverse'");
  }
  BOOST_TEST(why(Form::integers, [](Program& p) { p.values[p.inputs[1]].qparams->scale *= 2; }) ==
             "lstm 'layer': h has another scale or zero_point than the output");
  BOOST_TEST(why(Form::integers, [](Program& p) { p.instructions[1].op = "lstm_dynamic"; }) ==
             "lstm_dynamic 'layer': input is u8, not f32");
}

}  // namespace octet::engine
