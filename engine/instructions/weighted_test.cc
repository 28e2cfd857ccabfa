// conv2d and linear against the scalar specifications, whose parameters are set here by hand.
#define BOOST_TEST_MODULE weighted
#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_f32_ref.h"
#include "kernels/conv_u8s8.h"
#include "kernels/conv_u8s8_ref.h"
#include "kernels/target.h"
#include "kernels/winograd_f32.h"

namespace octet::engine {
namespace {

// Every field differs from its neighbours somewhere, so that mixing two up shows.
struct Case {
  size_t in_h, in_w, in_c, out_h, out_w, out_c;
  size_t kernel_h, kernel_w, stride_h, stride_w;
  size_t pad_top, pad_left, pad_bottom, pad_right;
  size_t dilation_h, dilation_w, groups;
  const char* label;
};
constexpr Case kCases[] = {
    {5, 7, 3, 5, 7, 6, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, "conv"},
    {9, 8, 3, 5, 3, 8, 3, 2, 2, 3, 1, 0, 1, 1, 1, 1, 1, "conv"},
    {9, 10, 8, 4, 9, 4, 3, 2, 2, 1, 2, 1, 0, 0, 2, 2, 2, "conv"},
    {6, 9, 5, 3, 9, 5, 3, 3, 2, 1, 1, 1, 0, 1, 1, 1, 5, "depthwise"},
    {8, 11, 19, 8, 4, 19, 5, 3, 1, 3, 2, 0, 2, 3, 1, 2, 19, "depthwise"},
    {4, 4, 4, 4, 4, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4, "conv"},
};

kernels::Conv2dGeometry geometry_of(const Case& c, size_t batch) {
  return {.batch = batch,
          .in_h = c.in_h,
          .in_w = c.in_w,
          .in_c = c.in_c,
          .out_h = c.out_h,
          .out_w = c.out_w,
          .out_c = c.out_c,
          .kernel_h = c.kernel_h,
          .kernel_w = c.kernel_w,
          .stride_h = c.stride_h,
          .stride_w = c.stride_w,
          .pad_top = c.pad_top,
          .pad_left = c.pad_left,
          .dilation_h = c.dilation_h,
          .dilation_w = c.dilation_w,
          .groups = c.groups};
}

Shape shape(size_t a, size_t b, size_t c, size_t d) {
  return {static_cast<int64_t>(a), static_cast<int64_t>(b), static_cast<int64_t>(c),
          static_cast<int64_t>(d)};
}

void set_attributes(Instruction& instruction, const Case& c) {
  const std::pair<const char*, size_t> attributes[] = {
      {"stride_h", c.stride_h},     {"stride_w", c.stride_w},     {"pad_top", c.pad_top},
      {"pad_left", c.pad_left},     {"pad_bottom", c.pad_bottom}, {"pad_right", c.pad_right},
      {"dilation_h", c.dilation_h}, {"dilation_w", c.dilation_w}, {"groups", c.groups}};
  for (const auto& [name, value] : attributes)
    testing::set(instruction, name, static_cast<int64_t>(value));
}

struct U8Weights {
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<float> weight_scale, multiplier;

  U8Weights(Rng& rng, size_t out_c, size_t taps, float s_x, float s_y)
      : weight(out_c * taps), bias(out_c), weight_scale(out_c), multiplier(out_c) {
    for (int8_t& w : weight) w = static_cast<int8_t>(rng.integer(-128, 127));
    for (int32_t& b : bias) b = static_cast<int32_t>(rng.integer(-4000, 4000));
    for (size_t o = 0; o < out_c; ++o) {
      weight_scale[o] = rng.uniform(0.001f, 0.003f);
      multiplier[o] = kernels::requantize_multiplier(s_x, weight_scale[o], s_y);
    }
  }
};

// 2 threads and batch 3, and every output of a quantized layer.
void check_u8(Program program, const kernels::conv_u8s8::Params& params, const std::string& label) {
  const auto model = testing::make_model(std::move(program));
  BOOST_TEST(model->kernel(0).label() == label);
  ThreadPool pool(2);
  auto session =
      testing::required(Session::create(model, {.batch = params.geometry.batch, .pool = &pool}));
  testing::fill_inputs(*session, *model, 3);
  const auto* input = static_cast<const uint8_t*>(session->input());
  const auto& g = params.geometry;
  const std::vector<uint8_t> x(input, input + g.batch * g.in_h * g.in_w * g.in_c);
  std::vector<uint8_t> expected(g.batch * g.out_h * g.out_w * g.out_c);
  kernels::ref::conv_u8s8(params, x.data(), expected.data());
  session->run();
  BOOST_TEST(std::memcmp(session->output(), expected.data(), expected.size()) == 0);
}

void check_f32(Program program, const kernels::conv_f32::Params& params, const std::string& label) {
  const auto model = testing::make_model(std::move(program));
  BOOST_TEST(model->kernel(0).label() == label);
  ThreadPool pool(2);
  const auto& g = params.geometry;
  auto session = testing::required(Session::create(model, {.batch = g.batch, .pool = &pool}));
  testing::fill_inputs(*session, *model, 3);
  const auto* input = static_cast<const float*>(session->input());
  const std::vector<float> x(input, input + g.batch * g.in_h * g.in_w * g.in_c);
  session->run();
  const auto* y = static_cast<const float*>(session->output());
  size_t beyond = 0;
  for (size_t n = 0; n < g.batch; ++n)
    for (size_t oy = 0; oy < g.out_h; ++oy)
      for (size_t ox = 0; ox < g.out_w; ++ox)
        for (size_t o = 0; o < g.out_c; ++o) {
          const auto expected = kernels::ref::conv_f32(params, x.data(), n, oy, ox, o);
          beyond += !(std::abs(*y++ - expected.y) <= expected.bound);
        }
  BOOST_TEST(beyond == 0u);
}

void check_conv2d_u8(const Case& c, const std::string& label) {
  Rng rng(c.in_h * c.out_c);
  const size_t taps = c.kernel_h * c.kernel_w * (c.in_c / c.groups);
  const QParams x{0.02f, 77}, y{0.02f * 0.002f * 75 * 30, 130};
  const U8Weights w(rng, c.out_c, taps, x.scale, y.scale);
  Program program;
  program.inputs = {program.add_activation("x", DType::u8, shape(1, c.in_h, c.in_w, c.in_c), x)};
  const ValueId weight = program.add_constant(
      "weight", DType::s8, shape(c.out_c, c.kernel_h, c.kernel_w, c.in_c / c.groups),
      w.weight.data());
  const Shape channels{static_cast<int64_t>(c.out_c)};
  const ValueId bias = program.add_constant("bias", DType::s32, channels, w.bias.data());
  const ValueId scale =
      program.add_constant("weight_scale", DType::f32, channels, w.weight_scale.data());
  program.outputs = {
      program.add_activation("y", DType::u8, shape(1, c.out_h, c.out_w, c.out_c), y)};
  Instruction& instruction =
      program.add_instruction("conv2d", "layer", {0, weight, bias, scale}, {program.outputs[0]});
  set_attributes(instruction, c);
  testing::set(instruction, "quant_min", 10);
  testing::set(instruction, "quant_max", 201);

  const kernels::conv_u8s8::Params params{.geometry = geometry_of(c, 3),
                                          .weight = w.weight.data(),
                                          .bias = w.bias.data(),
                                          .multiplier = w.multiplier.data(),
                                          .x_zero_point = 77,
                                          .range = {130, 10, 201}};
  check_u8(std::move(program), params, label);
}

}  // namespace

BOOST_AUTO_TEST_CASE(conv2d_u8_equals_its_specification) {
  for (const Case& c : kCases) check_conv2d_u8(c, std::string(c.label) + "_u8s8");
}

// Which kernel it is depends on the target, what comes out does not.
BOOST_AUTO_TEST_CASE(conv2d_u8_takes_minimal_filtering_where_bytes_have_no_dot_product) {
  constexpr Case c{9, 10, 24, 9, 10, 20, 3, 3, 1, 1, 2, 1, 0, 1, 1, 1, 1, ""};
  for (const kernels::Target& target : kernels::supported_targets()) {
    kernels::set_target(target);
    const bool portable =
        target.dot == kernels::Dot::portable && target.name != std::string("SCALAR");
    BOOST_TEST_CONTEXT(target.name)
    check_conv2d_u8(c, portable ? "winograd_u8s8" : "conv_u8s8");
  }
  kernels::reset_target();
}

BOOST_AUTO_TEST_CASE(conv2d_f32_is_within_the_bound_of_its_specification) {
  for (const Case& c : kCases) {
    Rng rng(c.in_h * c.out_c);
    const size_t taps = c.kernel_h * c.kernel_w * (c.in_c / c.groups);
    std::vector<float> w(c.out_c * taps), b(c.out_c);
    for (float& v : w) v = rng.uniform(-1, 1);
    for (float& v : b) v = rng.uniform(-1, 1);
    Program program;
    program.inputs = {program.add_activation("x", DType::f32, shape(1, c.in_h, c.in_w, c.in_c))};
    const ValueId weight = program.add_constant(
        "weight", DType::f32, shape(c.out_c, c.kernel_h, c.kernel_w, c.in_c / c.groups), w.data());
    const ValueId bias =
        program.add_constant("bias", DType::f32, {static_cast<int64_t>(c.out_c)}, b.data());
    program.outputs = {
        program.add_activation("y", DType::f32, shape(1, c.out_h, c.out_w, c.out_c))};
    Instruction& instruction =
        program.add_instruction("conv2d", "layer", {0, weight, bias}, {program.outputs[0]});
    set_attributes(instruction, c);
    testing::set_real(instruction, "lo", -1.5f);
    testing::set_real(instruction, "hi", 2.0f);

    const kernels::conv_f32::Params params{.geometry = geometry_of(c, 3),
                                           .weight = w.data(),
                                           .bias = b.data(),
                                           .lo = -1.5f,
                                           .hi = 2.0f};
    check_f32(std::move(program), params, std::string(c.label) + "_f32");
  }
}

// [1, side, side, 16] -> [1, side, side, 16], 3x3.
Program winograd_program(int64_t side, int64_t winograd, DType dtype = DType::f32) {
  testing::ProgramBuilder builder(3);
  const ValueId x = builder.input({1, side, side, 16}, dtype);
  builder.program.outputs = {builder.conv2d(x, 16, {.pad = 1})};
  testing::set(builder.program.instructions.back(), "winograd", winograd);
  return builder.program;
}

BOOST_AUTO_TEST_CASE(winograd_is_taken_where_it_is_allowed_and_faster) {
  const auto label = [](const Program& program) {
    const auto model = Model::create(program);
    BOOST_REQUIRE_MESSAGE(model, model.why());
    return std::string((*model)->kernel(0).label());
  };
  BOOST_TEST(label(winograd_program(8, 1)) == "winograd_f32");
  BOOST_TEST(label(winograd_program(8, 0)) == "conv_f32");
  BOOST_TEST(label(winograd_program(1, 1)) == "conv_f32");
  for (const Program& refused :
       {winograd_program(8, 1, DType::u8), winograd_program(8, 2), winograd_program(8, -1)}) {
    const auto model = Model::create(refused);
    BOOST_REQUIRE(!model);
    BOOST_TEST(model.why().find("winograd is ") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(winograd_gives_the_bits_of_its_kernel) {
  namespace kernel = kernels::winograd_f32;
  const Program program = winograd_program(9, 1);
  kernel::Params params{.geometry = {.batch = 2,
                                     .in_h = 9,
                                     .in_w = 9,
                                     .in_c = 16,
                                     .out_h = 9,
                                     .out_w = 9,
                                     .out_c = 16,
                                     .kernel_h = 3,
                                     .kernel_w = 3,
                                     .pad_top = 1,
                                     .pad_left = 1}};
  params.weight = reinterpret_cast<const float*>(program.values[1].data.data());
  params.bias = reinterpret_cast<const float*>(program.values[2].data.data());
  AlignedBuffer packed(kernel::packed_bytes(params));
  kernel::pack(params, packed.data());
  const kernels::Work work = kernel::work(params);
  AlignedBuffer workspace(work.workspace_bytes);

  const auto session = Session::create(*Model::create(program), {.batch = 2});
  BOOST_REQUIRE(session);
  std::vector<float> x(2 * 9 * 9 * 16), y(x.size());
  Rng rng(5);
  for (float& v : x) v = rng.uniform(-1, 1);
  std::memcpy((*session)->input(), x.data(), x.size() * sizeof(float));
  (*session)->run();
  kernel::run(params, packed.data(), x.data(), y.data(), workspace.data(), 0, work.tasks);
  BOOST_TEST(std::memcmp(y.data(), (*session)->output(), y.size() * sizeof(float)) == 0);
}

BOOST_AUTO_TEST_CASE(linear_equals_the_convolution_of_1x1_images) {
  const size_t in_c = 37, out_c = 11;
  Rng rng(1);
  const QParams x{0.02f, 5}, y{0.02f * 0.002f * 75 * 12, 99};
  const U8Weights w(rng, out_c, in_c, x.scale, y.scale);
  std::vector<float> real_weight(in_c * out_c), real_bias(out_c);
  for (float& v : real_weight) v = rng.uniform(-1, 1);
  for (float& v : real_bias) v = rng.uniform(-1, 1);
  const kernels::Conv2dGeometry geometry{.batch = 3, .in_c = in_c, .out_c = out_c};

  Program u8;
  u8.inputs = {u8.add_activation("x", DType::u8, {1, 37}, x)};
  u8.add_constant("weight", DType::s8, {11, 37}, w.weight.data());
  u8.add_constant("bias", DType::s32, {11}, w.bias.data());
  u8.add_constant("weight_scale", DType::f32, {11}, w.weight_scale.data());
  u8.outputs = {u8.add_activation("y", DType::u8, {1, 11}, y)};
  u8.add_instruction("linear", "layer", {0, 1, 2, 3}, {4});
  check_u8(std::move(u8),
           {.geometry = geometry,
            .weight = w.weight.data(),
            .bias = w.bias.data(),
            .multiplier = w.multiplier.data(),
            .x_zero_point = 5,
            .range = {99, 0, 255}},
           "conv_u8s8");

  Program f32;
  f32.inputs = {f32.add_activation("x", DType::f32, {1, 37})};
  f32.add_constant("weight", DType::f32, {11, 37}, real_weight.data());
  f32.add_constant("bias", DType::f32, {11}, real_bias.data());
  f32.outputs = {f32.add_activation("y", DType::f32, {1, 11})};
  f32.add_instruction("linear", "layer", {0, 1, 2}, {3});
  check_f32(std::move(f32),
            {.geometry = geometry, .weight = real_weight.data(), .bias = real_bias.data()},
            "conv_f32");
}

}  // namespace octet::engine
