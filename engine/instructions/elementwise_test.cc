// add, clamp, quantize, dequantize, reshape and flatten against their specifications, on tensors
// that are longer than a block.
#define BOOST_TEST_MODULE elementwise
#include "engine/instructions/elementwise.h"

#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"
#include "kernels/add_u8_ref.h"
#include "kernels/elementwise_f32_ref.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {
namespace {

namespace ref = kernels::ref;

constexpr size_t kBatch = 3;
const Shape kShape{1, 41, 29, 17};
const size_t kElements = kBatch * 41 * 29 * 17;
static_assert(kBatch * 41 * 29 * 17 > 3 * kBlockElements);

struct Ran {
  std::vector<std::vector<std::byte>> inputs;
  std::vector<std::byte> output;

  template <class T>
  const T* in(size_t i) const {
    return reinterpret_cast<const T*>(inputs[i].data());
  }
  template <class T>
  const T* out() const {
    return reinterpret_cast<const T*>(output.data());
  }
};

Ran run_layer(Program program) {
  const auto model = testing::make_model(std::move(program));
  ThreadPool pool(2);
  auto session = testing::required(Session::create(model, {.batch = kBatch, .pool = &pool}));
  testing::fill_inputs(*session, *model, 3);
  Ran ran;
  for (size_t i = 0; i < model->program().inputs.size(); ++i) {
    const auto* from = static_cast<const std::byte*>(session->input(i));
    ran.inputs.emplace_back(from,
                            from + testing::bytes_of(*session, *model, model->program().inputs[i]));
  }
  session->run();
  ran.output = testing::read_outputs(*session, *model)[0];
  return ran;
}

// One layer; inputs and output of the given types.
struct Operand {
  DType dtype;
  std::optional<QParams> qparams;
  Shape shape = kShape;
};
Instruction& add_layer(Program& program, const char* op, const std::vector<Operand>& inputs,
                       const Operand& output) {
  std::vector<ValueId> ids;
  for (const Operand& x : inputs)
    ids.push_back(program.add_activation("x", x.dtype, x.shape, x.qparams));
  program.inputs = ids;
  program.outputs = {program.add_activation("y", output.dtype, output.shape, output.qparams)};
  return program.add_instruction(op, "layer", ids, program.outputs);
}

template <class T, class Expected>
size_t differences(const Ran& ran, const Expected& expected) {
  BOOST_REQUIRE(ran.output.size() == kElements * sizeof(T));
  size_t count = 0;
  for (size_t i = 0; i < kElements; ++i) count += !(ran.out<T>()[i] == expected(i));
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(add_equals_its_specification) {
  const QParams a{0.031f, 17}, b{0.007f, 200}, y{0.03f, 111};
  Program u8;
  Instruction& layer = add_layer(u8, "add", {{DType::u8, a}, {DType::u8, b}}, {DType::u8, y});
  testing::set(layer, "quant_min", 20);
  testing::set(layer, "quant_max", 222);
  const Ran integers = run_layer(std::move(u8));
  kernels::add_u8::Params params;
  params.a_zero_point = 17;
  params.b_zero_point = 200;
  params.range = {111, 20, 222};
  ref::add_u8::set_scales(params, a.scale, b.scale, y.scale);
  BOOST_TEST(differences<uint8_t>(integers, [&](size_t i) {
               return ref::add_u8::add(params, integers.in<uint8_t>(0)[i],
                                       integers.in<uint8_t>(1)[i]);
             }) == 0u);

  Program f32;
  Instruction& real = add_layer(f32, "add", {{DType::f32, {}}, {DType::f32, {}}}, {DType::f32, {}});
  testing::set_real(real, "lo", -1.25f);
  const Ran reals = run_layer(std::move(f32));
  BOOST_TEST(differences<float>(reals, [&](size_t i) {
               return ref::elementwise_f32::add(reals.in<float>(0)[i], reals.in<float>(1)[i],
                                                -1.25f, INFINITY);
             }) == 0u);
}

BOOST_AUTO_TEST_CASE(clamp_equals_its_specification) {
  const QParams q{0.1f, 9};
  Program u8;
  Instruction& layer = add_layer(u8, "clamp", {{DType::u8, q}}, {DType::u8, q});
  testing::set(layer, "quant_min", 9);
  testing::set(layer, "quant_max", 69);
  // In place here, so the input is read before the run.
  const Ran integers = run_layer(std::move(u8));
  BOOST_TEST(differences<uint8_t>(integers, [&](size_t i) {
               return ref::quantize::clamp(integers.in<uint8_t>(0)[i], 9, 69);
             }) == 0u);

  Program f32;
  Instruction& real = add_layer(f32, "clamp", {{DType::f32, {}}}, {DType::f32, {}});
  testing::set_real(real, "lo", 0.0f);
  testing::set_real(real, "hi", 1.5f);
  const Ran reals = run_layer(std::move(f32));
  BOOST_TEST(differences<float>(reals, [&](size_t i) {
               return ref::elementwise_f32::clamp(reals.in<float>(0)[i], 0.0f, 1.5f);
             }) == 0u);
}

BOOST_AUTO_TEST_CASE(quantize_and_dequantize_equal_their_specifications) {
  const QParams q{0.017f, 101, 3, 240};
  Program to, from;
  add_layer(to, "quantize", {{DType::f32, {}}}, {DType::u8, q});
  const Ran integers = run_layer(std::move(to));
  BOOST_TEST(differences<uint8_t>(integers, [&](size_t i) {
               return ref::quantize::quantize(integers.in<float>(0)[i], q);
             }) == 0u);
  add_layer(from, "dequantize", {{DType::u8, q}}, {DType::f32, {}});
  const Ran reals = run_layer(std::move(from));
  BOOST_TEST(differences<float>(reals, [&](size_t i) {
               return ref::quantize::dequantize(reals.in<uint8_t>(0)[i], q);
             }) == 0u);
}

BOOST_AUTO_TEST_CASE(reshape_keeps_every_element) {
  const QParams q{0.1f, 9};
  Program u8, f32;
  add_layer(u8, "reshape", {{DType::u8, q}}, {DType::u8, q, {1, 17, 29 * 41}});
  add_layer(f32, "reshape", {{DType::f32, {}}}, {DType::f32, {}, {1, 17, 29 * 41}});
  // As an output of its own, too, so that it has to be a copy.
  for (Program* program : {&u8, &f32}) {
    Program copied = *program;
    copied.outputs.push_back(copied.inputs[0]);
    for (const Ran& ran : {run_layer(std::move(*program)), run_layer(std::move(copied))})
      BOOST_TEST((ran.output == ran.inputs[0]));
  }
}

BOOST_AUTO_TEST_CASE(flatten_puts_channels_outermost) {
  const QParams q{0.1f, 9};
  const Shape flat{1, 41 * 29 * 17};
  Program u8, f32;
  add_layer(u8, "flatten", {{DType::u8, q}}, {DType::u8, q, flat});
  add_layer(f32, "flatten", {{DType::f32, {}}}, {DType::f32, {}, flat});
  const auto from = [](size_t i) {
    const size_t pixels = 41 * 29, image = 17 * pixels;
    return i / image * image + i % pixels * 17 + i % image / pixels;
  };
  const Ran integers = run_layer(std::move(u8));
  BOOST_TEST(differences<uint8_t>(
                 integers, [&](size_t i) { return integers.in<uint8_t>(0)[from(i)]; }) == 0u);
  const Ran reals = run_layer(std::move(f32));
  BOOST_TEST(differences<float>(reals, [&](size_t i) { return reals.in<float>(0)[from(i)]; }) ==
             0u);
}

}  // namespace octet::engine
