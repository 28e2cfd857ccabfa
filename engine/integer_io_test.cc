#define BOOST_TEST_MODULE integer_io
#include "engine/integer_io.h"

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "engine/engine_testing.h"
#include "engine/model.h"
#include "kernels/quantize_ref.h"

namespace octet::engine {
namespace {

using testing::ProgramBuilder;

// f32 input -> quantize -> conv2d -> dequantize -> f32 output.
struct Bordered {
  ProgramBuilder builder{7};
  ValueId x, q, y, out;

  Bordered() {
    Program& p = builder.program;
    x = builder.input({1, 5, 6, 8}, DType::f32);
    q = p.add_activation("quant", DType::u8, {1, 5, 6, 8}, QParams{0.02f, 117, 0, 255});
    p.add_instruction("quantize", "quant", {x}, {q});
    y = builder.conv2d(q, 4, {});
    out = p.add_activation("dequant", DType::f32, p.values[y].shape);
    p.add_instruction("dequantize", "dequant", {y}, {out});
    p.outputs = {out};
  }
};

std::unique_ptr<Session> session_of(Program program) {
  auto model = Model::create(std::move(program));
  BOOST_REQUIRE_MESSAGE(model, model.why());
  auto session = Session::create(*model);
  BOOST_REQUIRE(session);
  return std::move(*session);
}

BOOST_AUTO_TEST_CASE(conversions_at_the_borders_go_and_results_stay) {
  Bordered net;
  Program integers = net.builder.program;
  use_integer_io(integers);
  BOOST_TEST(integers.instructions.size() == 1u);
  BOOST_TEST(integers.values[integers.inputs[0]].name == "input");
  BOOST_TEST(integers.values[integers.outputs[0]].name == "dequant");

  const auto real = session_of(net.builder.program), whole = session_of(std::move(integers));
  std::vector<float> image(5 * 6 * 8);
  Rng rng(1);
  for (float& v : image) v = rng.uniform(-3, 3);
  std::memcpy(real->input(), image.data(), image.size() * sizeof(float));
  const QParams in = *net.builder.program.values[net.q].qparams;
  for (size_t i = 0; i < image.size(); ++i)
    static_cast<uint8_t*>(whole->input())[i] = kernels::ref::quantize::quantize(image[i], in);
  real->run();
  whole->run();
  const QParams out = *net.builder.program.values[net.y].qparams;
  for (size_t i = 0; i < 3u * 4u * 4u; ++i) {
    const int q = static_cast<const uint8_t*>(whole->output())[i];
    BOOST_TEST(static_cast<float>(q - out.zero_point) * out.scale ==
               static_cast<const float*>(real->output())[i]);
  }
}

BOOST_AUTO_TEST_CASE(what_others_read_stays) {
  Bordered net;
  Program& p = net.builder.program;
  const ValueId second = p.add_activation("clamped", DType::f32, p.values[net.x].shape);
  p.add_instruction("clamp", "clamped", {net.x}, {second});
  p.outputs.push_back(second);
  Program integers = p;
  use_integer_io(integers);
  BOOST_TEST((integers.values[integers.inputs[0]].dtype == DType::f32));
  BOOST_TEST((integers.values[integers.outputs[0]].dtype == DType::u8));
  BOOST_TEST((integers.values[integers.outputs[1]].dtype == DType::f32));
  BOOST_TEST(integers.instructions.size() == 3u);
  BOOST_TEST(bool(Model::create(std::move(integers))));
}

BOOST_AUTO_TEST_CASE(a_conversion_alone_is_not_taken_twice) {
  Program p;
  const ValueId x = p.add_activation("x", DType::f32, {1, 4});
  const ValueId q = p.add_activation("q", DType::u8, {1, 4}, QParams{0.5f, 3, 0, 255});
  const ValueId y = p.add_activation("y", DType::f32, {1, 4});
  p.inputs = {x};
  p.outputs = {y};
  p.add_instruction("quantize", "q", {x}, {q});
  p.add_instruction("dequantize", "y", {q}, {y});
  use_integer_io(p);
  // The input became integers; there has to be an instruction that makes the output.
  BOOST_TEST((p.values[p.inputs[0]].dtype == DType::u8));
  BOOST_TEST((p.values[p.outputs[0]].dtype == DType::f32));
  BOOST_TEST(p.instructions.size() == 1u);
  BOOST_TEST(bool(Model::create(std::move(p))));
}

}  // namespace
}  // namespace octet::engine
