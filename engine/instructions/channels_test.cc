// slice, channel_shuffle, table and mul against their specifications, whose parameters are set here
// by hand, on tensors that are longer than a block.
#define BOOST_TEST_MODULE channels
#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"
#include "engine/instructions/run_tasks.h"
#include "kernels/activation_f32_ref.h"
#include "kernels/channels_ref.h"
#include "kernels/mul_u8_ref.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3, kPixels = 21 * 13, kChannels = 30;
static_assert(kBatch * kPixels * kChannels > kBlockElements);
const Shape kShape{1, 21, 13, 30}, kGate{1, 1, 1, 30};

struct Operand {
  Shape shape;
  std::optional<QParams> qparams;  // none: f32
};

Instruction& add_layer(Program& program, const char* op, const std::vector<Operand>& inputs,
                       const Operand& output) {
  const auto add = [&](const char* name, const Operand& x) {
    return program.add_activation(name, x.qparams ? DType::u8 : DType::f32, x.shape, x.qparams);
  };
  for (const Operand& x : inputs) program.inputs.push_back(add("x", x));
  program.outputs = {add("y", output)};
  return program.add_instruction(op, "layer", program.inputs, program.outputs);
}

// expected(inputs, y) fills y from the bytes of the inputs.
template <class T, class Expected>
void check(const Program& program, const Expected& expected) {
  const auto model = testing::make_model(program);
  for (bool reference : {false, true}) {
    ThreadPool pool(2);
    auto session = testing::required(Session::create(
        model, {.batch = kBatch, .pool = &pool, .keep_values = true, .reference = reference}));
    testing::fill_inputs(*session, *model, 3);
    std::vector<const T*> inputs;
    for (size_t i = 0; i < program.inputs.size(); ++i)
      inputs.push_back(static_cast<const T*>(session->input(i)));
    std::vector<T> want(static_cast<size_t>(session->shape(program.outputs[0]).elements()));
    expected(inputs, want.data());
    session->run();
    BOOST_TEST(std::memcmp(session->output(), want.data(), want.size() * sizeof(T)) == 0,
               program.instructions[0].op << (reference ? ", reference" : ""));
  }
}

const QParams kQ{0.1f, 9};

template <class T>
void check_moves(std::optional<QParams> qparams) {
  Program slice;
  testing::set(add_layer(slice, "slice", {{kShape, qparams}}, {{1, 21, 13, 17}, qparams}), "begin",
               5);
  check<T>(slice, [](const std::vector<const T*>& x, T* y) {
    kernels::ref::channels::copy({kBatch * kPixels, 17, kChannels, 17}, x[0] + 5, y);
  });
  for (size_t groups : {2, 5, 15}) {
    Program shuffle;
    testing::set(add_layer(shuffle, "channel_shuffle", {{kShape, qparams}}, {kShape, qparams}),
                 "groups", static_cast<int64_t>(groups));
    check<T>(shuffle, [=](const std::vector<const T*>& x, T* y) {
      kernels::ref::channels::shuffle(kBatch * kPixels, kChannels, groups, x[0], y);
    });
  }
}

// The reason why a changed program is refused.
template <class Change>
std::string why(Program program, const Change& change) {
  change(program);
  return Model::create(std::move(program)).why();
}

Program table_program(std::vector<uint8_t>& table) {
  for (size_t i = 0; i < 256; ++i) table.push_back(static_cast<uint8_t>(255 - i / 2));
  Program program;
  Instruction& layer = add_layer(program, "table", {{kShape, kQ}}, {kShape, QParams{0.2f, 3, 1}});
  layer.inputs.push_back(program.add_constant("table", DType::u8, {256}, table.data()));
  return program;
}

}  // namespace

BOOST_AUTO_TEST_CASE(slice_and_channel_shuffle_equal_their_specifications) {
  check_moves<float>(std::nullopt);
  check_moves<uint8_t>(kQ);
}

BOOST_AUTO_TEST_CASE(a_table_is_looked_up) {
  std::vector<uint8_t> table;
  check<uint8_t>(table_program(table), [&](const std::vector<const uint8_t*>& x, uint8_t* y) {
    for (size_t i = 0; i < kBatch * kPixels * kChannels; ++i) y[i] = table[x[0][i]];
  });
}

BOOST_AUTO_TEST_CASE(mul_equals_its_specification_with_the_gate_on_either_side) {
  const QParams qa{0.03f, 17}, qb{0.02f, 200}, qy{0.01f, 111, 4, 250};
  for (const auto& [a, b] : {std::pair(kShape, kShape), {kShape, kGate}, {kGate, kShape}}) {
    const auto index = [](const Shape& shape, size_t i) {
      const size_t image = kPixels * kChannels;
      return shape == kGate ? i / image * kChannels + i % kChannels : i;
    };
    Program u8, f32;
    add_layer(u8, "mul", {{a, qa}, {b, qb}}, {kShape, qy});
    const kernels::mul_u8::Params params{
        17, 200, kernels::requantize_multiplier(qa.scale, qb.scale, qy.scale), {111, 4, 250}};
    check<uint8_t>(u8, [&](const std::vector<const uint8_t*>& x, uint8_t* y) {
      for (size_t i = 0; i < kBatch * kPixels * kChannels; ++i)
        y[i] = kernels::ref::mul_u8::mul(params, x[0][index(a, i)], x[1][index(b, i)]);
    });
    add_layer(f32, "mul", {{a, {}}, {b, {}}}, {kShape, {}});
    check<float>(f32, [&](const std::vector<const float*>& x, float* y) {
      for (size_t i = 0; i < kBatch * kPixels * kChannels; ++i)
        y[i] = x[0][index(a, i)] * x[1][index(b, i)];
    });
  }
}

BOOST_AUTO_TEST_CASE(curves_are_those_of_their_names) {
  using kernels::ref::activation_f32::Bounded;
  struct Curve {
    const char* op;
    Bounded (*reference)(double);
    const char* parameter = nullptr;
    float value = 0;
  };
  const Curve curves[] = {
      {"sigmoid", kernels::ref::activation_f32::sigmoid},
      {"tanh", kernels::ref::activation_f32::tanh},
      {"gelu", kernels::ref::activation_f32::gelu},
      {"silu", kernels::ref::activation_f32::silu},
      {"hardsigmoid", kernels::ref::activation_f32::hardsigmoid},
      {"hardswish", kernels::ref::activation_f32::hardswish},
      {"leaky_relu", [](double x) { return kernels::ref::activation_f32::leaky_relu(x, 0.25); },
       "negative_slope", 0.25f},
      {"elu", [](double x) { return kernels::ref::activation_f32::elu(x, 1.5); }, "alpha", 1.5f}};
  for (const auto& [op, curve, parameter, value] : curves) {
    Program program;
    add_layer(program, op, {{kShape, {}}}, {kShape, {}});
    if (parameter != nullptr) testing::set_real(program.instructions[0], parameter, value);
    const auto model = testing::make_model(program);
    BOOST_TEST(std::string(model->kernel(0).label()) == std::string(op) + "_f32");
    auto session = testing::required(Session::create(model, {.keep_values = true}));
    testing::fill_inputs(*session, *model, 3);
    session->run();
    const auto *x = static_cast<const float*>(session->input()),
               *y = static_cast<const float*>(session->output());
    for (size_t i = 0; i < kPixels * kChannels; ++i) {
      const Bounded want = curve(x[i]);
      BOOST_REQUIRE(std::abs(y[i] - want.value) <= want.bound);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  Program slice, shuffle, mul, curve;
  testing::set(add_layer(slice, "slice", {{kShape, kQ}}, {{1, 21, 13, 17}, kQ}), "begin", 5);
  testing::set(add_layer(shuffle, "channel_shuffle", {{kShape, kQ}}, {kShape, kQ}), "groups", 2);
  add_layer(mul, "mul", {{kShape, kQ}, {kGate, kQ}}, {kShape, kQ});
  add_layer(curve, "sigmoid", {{kShape, {}}}, {kShape, {}});
  BOOST_TEST(why(slice, [](Program& p) { p.instructions[0].attributes[0].value = int64_t{14}; }) ==
             "slice 'layer': channels from 14 on, 17 of them, are not within those of [1, 21, 13, "
             "30]");
  BOOST_TEST(why(slice,
                 [](Program& p) {
                   p.values[1].shape = {1, 21, 12, 17};
                 }) ==
             "slice 'layer': input [1, 21, 13, 30] and output [1, 21, 12, 17] differ in more than "
             "channels");
  BOOST_TEST(why(shuffle, [](Program& p) { p.instructions[0].attributes[0].value = int64_t{4}; }) ==
             "channel_shuffle 'layer': 30 channels in 4 groups");
  BOOST_TEST(
      why(mul, [](Program& p) {
        p.values[1].shape = {1, 1, 13, 30};
      }) == "mul 'layer': shapes do not fit: [1, 21, 13, 30] * [1, 1, 13, 30] = [1, 21, 13, 30]");
  BOOST_TEST(why(mul, [](Program& p) {
               p.values[2].qparams->scale = 1e-8f;
             }).starts_with("mul 'layer': scales 0.1 and 0.1 over 1e-08 are more than 32768"));
  BOOST_TEST(why(curve, [](Program& p) {
               for (Value& value : p.values) value.dtype = DType::u8, value.qparams = kQ;
             }) == "sigmoid 'layer': input is u8 and output u8, not f32; u8 takes a table");
  const auto elu_why = [&](std::vector<Attribute> attributes) {
    return why(curve, [&](Program& p) {
      p.instructions[0].op = "elu";
      p.instructions[0].attributes = std::move(attributes);
    });
  };
  BOOST_TEST(elu_why({{"alpha", 1.5f}}) == "");
  BOOST_TEST(elu_why({}) == "elu 'layer': attribute 'alpha' is missing");
  BOOST_TEST(elu_why({{"alpha", int64_t{1}}}) ==
             "elu 'layer': attribute 'alpha' is not a real number");
  BOOST_TEST(elu_why({{"alpha", INFINITY}}) == "elu 'layer': alpha is inf, not finite");
  BOOST_TEST(elu_why({{"negative_slope", 0.1f}}) ==
             "elu 'layer': unknown attribute 'negative_slope'");
  std::vector<uint8_t> table;
  const Program look_up = table_program(table);
  BOOST_TEST(why(look_up, [](Program& p) { p.values[1].qparams->quant_max = 254; }) ==
             "table 'layer': table[0] is 255, not in the output's range 1..254");
  BOOST_TEST(why(look_up, [](Program& p) { p.instructions[0].inputs.pop_back(); }) ==
             "table 'layer': has 1 inputs, not 2");
}

}  // namespace octet::engine
