// What Model::create refuses, and the sentence it gives.
#define BOOST_TEST_MODULE create
#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>

#include "engine/engine_testing.h"
#include "engine/model.h"

namespace octet::engine {
namespace {

using testing::ProgramBuilder;
using Edit = std::function<void(Program&)>;

std::string why(Program program) { return Model::create(std::move(program)).why(); }

// u8 [1, 6, 6, 4] -> conv2d 3x3 to 8 channels. Values: 0 x, 1 weight, 2 bias, 3 weight_scale, 4 y.
Program conv_program() {
  ProgramBuilder b(1);
  b.output(b.conv2d(b.input({1, 6, 6, 4}, DType::u8), 8, {.kernel = 3}));
  return std::move(b.program);
}

std::string why_conv(const Edit& edit) {
  Program program = conv_program();
  edit(program);
  return why(std::move(program));
}

// Replaces the elements of a constant.
template <class T>
void put(Program& program, ValueId id, const Shape& shape, const std::vector<T>& elements) {
  const ValueId copy = program.add_constant("", dtype_of<T>, shape, elements.data());
  const std::string name = program.values[id].name;
  program.values[id] = program.values[copy];
  program.values[id].name = name;
  program.values.pop_back();
}

void conv_attribute(Program& program, const char* name, int64_t value) {
  testing::set(program.instructions[0], name, value);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

BOOST_AUTO_TEST_CASE(the_programs_below_are_accepted_before_they_are_broken) {
  BOOST_TEST(why(conv_program()) == "");
  BOOST_TEST(why(testing::small_program(1, true)) == "");
  BOOST_TEST(why(testing::small_program(1, false)) == "");
}

BOOST_AUTO_TEST_CASE(ids_out_of_range_are_refused) {
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].inputs[1] = 5; }) ==
             "conv2d 'layers.0': there is no value 5");
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].outputs[0] = 5; }) ==
             "conv2d 'layers.0': there is no value 5");
  BOOST_TEST(why_conv([](Program& p) { p.inputs[0] = 77; }) ==
             "program input 77 is not an activation");
  BOOST_TEST(why_conv([](Program& p) { p.outputs[0] = UINT32_MAX; }) ==
             "program output 4294967295 is not an activation");
  BOOST_TEST(why_conv([](Program& p) { p.outputs[0] = 1; }) ==
             "program output 1 is not an activation");
}

BOOST_AUTO_TEST_CASE(values_are_computed_once_and_before_their_use) {
  BOOST_TEST(why_conv([](Program& p) { p.instructions.push_back(p.instructions[0]); }) ==
             "conv2d 'layers.0': value 4 'layers.0' is a constant, an input or computed before");
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].inputs[0] = 4; }) ==
             "conv2d 'layers.0': value 4 'layers.0' is read before it is computed");
  BOOST_TEST(
      why_conv([](Program& p) { p.instructions[0].outputs[0] = 2; }) ==
      "conv2d 'layers.0': value 2 'layers.0.bias' is a constant, an input or computed before");
  BOOST_TEST(why_conv([](Program& p) { p.instructions.clear(); }) ==
             "value 4 'layers.0' is never computed");
  BOOST_TEST(why_conv([](Program& p) { p.inputs.push_back(0); }) ==
             "program input 0 is named twice");
  BOOST_TEST(why_conv([](Program& p) { p.inputs.clear(); }) == "program has no input");
  BOOST_TEST(why_conv([](Program& p) { p.outputs.clear(); }) == "program has no output");
}

BOOST_AUTO_TEST_CASE(shapes_that_overflow_or_are_empty_are_refused) {
  for (int64_t extent : {int64_t{0}, int64_t{1} << 41, int64_t{1} << 62, INT64_MAX, int64_t{-4}})
    for (ValueId id : {0u, 1u, 4u})
      BOOST_TEST(why_conv([&](Program& p) { p.values[id].shape[1] = extent; }).find("has shape") !=
                 std::string::npos);
  BOOST_TEST(why_conv([](Program& p) {
               p.values[0].shape = {1, int64_t{1} << 32, int64_t{1} << 32, int64_t{1} << 32};
             }).find("product at most 2^40") != std::string::npos);
  BOOST_TEST(why_conv([](Program& p) { p.values[0].shape[0] = 2; }) ==
             "value 0 'input' has shape [2, 6, 6, 4]; activations are written for batch 1, "
             "outermost");
}

BOOST_AUTO_TEST_CASE(constants_need_exactly_their_bytes) {
  BOOST_TEST(why_conv([](Program& p) { p.values[1].data = p.values[1].data.first(287); }) ==
             "value 1 'layers.0.weight' has 287 bytes of data, shape [8, 3, 3, 4] s8 needs 288");
  BOOST_TEST(why_conv([](Program& p) { p.values[1].data = {}; }) ==
             "value 1 'layers.0.weight' has 0 bytes of data, shape [8, 3, 3, 4] s8 needs 288");
  BOOST_TEST(why_conv([](Program& p) {
               p.values[2].data = {p.values[1].data.data() + 4, p.values[2].data.size()};
             }) == "value 2 'layers.0.bias' has data that is not aligned to 64 bytes");
}

BOOST_AUTO_TEST_CASE(qparams_out_of_range_are_refused) {
  for (float scale : {0.0f, -1.0f, kInfinity, kNaN})
    BOOST_TEST(why_conv([&](Program& p) {
                 p.values[4].qparams->scale = scale;
               }).find("it must be finite and above 0") != std::string::npos);
  BOOST_TEST(why_conv([](Program& p) { p.values[4].qparams->zero_point = 256; }) ==
             "value 4 'layers.0' has zero_point 256 outside 0..255");
  BOOST_TEST(why_conv([](Program& p) { p.values[4].qparams->quant_max = 256; }) ==
             "value 4 'layers.0' has quant range 0..256, which is not within 0..255");
  BOOST_TEST(why_conv([](Program& p) { p.values[4].qparams.reset(); }) ==
             "value 4 'layers.0' is u8 without scale and zero_point");
  BOOST_TEST(why_conv([](Program& p) { p.values[4].dtype = DType::s32; }) ==
             "value 4 'layers.0' is an activation of type s32; activations are f32, u8 or s64");
}

BOOST_AUTO_TEST_CASE(weights_that_do_not_fit_are_refused) {
  BOOST_TEST(why_conv([](Program& p) {
               p.values[1].shape = {8, 3, 3, 2};
               p.values[1].data = p.values[1].data.first(144);
             }) == "conv2d 'layers.0': input has 4 channels in 1 groups, weight expects 2 a group");
  BOOST_TEST(why_conv([](Program& p) {
               p.values[1].shape = {8, 36};
             }) ==
             "conv2d 'layers.0': weight has shape [8, 36], not [out_c, kernel_h, kernel_w, in_c / "
             "groups]");
  BOOST_TEST(why_conv([](Program& p) { p.values[1].dtype = DType::u8; }) ==
             "conv2d 'layers.0': weight is u8, not s8");
  BOOST_TEST(why_conv([](Program& p) { put(p, 2, {4}, std::vector<int32_t>(4)); }) ==
             "conv2d 'layers.0': bias has shape [4], not [8]");
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].inputs.pop_back(); }) ==
             "conv2d 'layers.0': u8 input takes x, weight, bias, weight_scale, there are 3 inputs");
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].inputs[1] = 0; }) ==
             "conv2d 'layers.0': input 1 is not a constant");
  for (float scale : {0.0f, -1.0f, kInfinity, kNaN}) {
    std::vector<float> scales(8, 0.001f);
    scales[5] = scale;
    BOOST_TEST(why_conv([&](Program& p) {
                 put(p, 3, {8}, scales);
               }).find("conv2d 'layers.0': weight_scale[5] is ") == 0u);
  }
}

BOOST_AUTO_TEST_CASE(sums_that_could_leave_32_bits_are_refused) {
  const std::vector<int8_t> zeros(8 * 36);
  std::vector<int8_t> one = zeros;
  one[7 * 36] = -1;
  std::vector<int32_t> bias(8);
  const auto with = [&](const std::vector<int8_t>& weight, int32_t last, float y_scale = 1e9f) {
    bias[7] = last;
    return why_conv([&](Program& p) {
      p.values[0].qparams = QParams{1.0f, 100};
      p.values[4].qparams->scale = y_scale;
      put(p, 1, {8, 3, 3, 4}, weight);
      put(p, 2, {8}, bias);
      put(p, 3, {8}, std::vector<float>(8, 1.0f));
    });
  };
  BOOST_TEST(with(zeros, INT32_MAX) == "");
  BOOST_TEST(with(zeros, -INT32_MAX) == "");
  BOOST_TEST(with(zeros, INT32_MIN) ==
             "conv2d 'layers.0': sums of output channel 7 can reach 2147483648, more than 32 bits "
             "hold");
  // The largest |x - zero_point| is 155.
  BOOST_TEST(with(one, INT32_MAX - 155) == "");
  BOOST_TEST(with(one, INT32_MAX - 154) != "");
  // 2^21 * 2^9 is the last that passes.
  BOOST_TEST(with(zeros, 1 << 21, 0x1p-9f) == "");
  BOOST_TEST(with(zeros, (1 << 21) + 1, 0x1p-9f).find("can requantize to") != std::string::npos);
  BOOST_TEST(with(zeros, 1, std::numeric_limits<float>::denorm_min())
                 .find("multiplier of output channel 0 is inf") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(windows_that_do_not_fit_are_refused) {
  const auto with = [](const char* name, int64_t value) {
    return why_conv([&](Program& p) { conv_attribute(p, name, value); });
  };
  BOOST_TEST(
      with("stride_h", 2) ==
      "conv2d 'layers.0': output [1, 4, 4, 8] has 4 where 2 follows from input [1, 6, 6, 4]");
  BOOST_TEST(with("stride_w", 0) == "conv2d 'layers.0': stride_w is 0, not in 1..65535");
  BOOST_TEST(with("pad_left", -1) == "conv2d 'layers.0': pad_left is -1, not in 0..65535");
  BOOST_TEST(with("pad_top", INT64_MAX).find("not in 0..65535") != std::string::npos);
  BOOST_TEST(with("dilation_h", 65535) ==
             "conv2d 'layers.0': kernel 3 with dilation 65535 is higher than the padded input 6");
  BOOST_TEST(with("groups", 3) ==
             "conv2d 'layers.0': groups 3 does not divide 4 input and 8 output channels");
  BOOST_TEST(with("groups", 0).find("groups 0 does not divide") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(attributes_are_known_single_and_of_their_type) {
  BOOST_TEST(why_conv([](Program& p) { conv_attribute(p, "strides", 1); }) ==
             "conv2d 'layers.0': unknown attribute 'strides'");
  BOOST_TEST(why_conv([](Program& p) {
               conv_attribute(p, "groups", 1);
               conv_attribute(p, "groups", 1);
             }) == "conv2d 'layers.0': attribute 'groups' is there twice");
  BOOST_TEST(why_conv([](Program& p) { testing::set_real(p.instructions[0], "groups", 1.0f); }) ==
             "conv2d 'layers.0': attribute 'groups' is not an integer");
  BOOST_TEST(why_conv([](Program& p) { conv_attribute(p, "lo", 1); }) ==
             "conv2d 'layers.0': attribute 'lo' is not a real number");
  BOOST_TEST(why_conv([](Program& p) { testing::set_real(p.instructions[0], "lo", 1.0f); }) ==
             "conv2d 'layers.0': attribute 'lo' belongs to f32, the input is u8");
  BOOST_TEST(why_conv([](Program& p) { conv_attribute(p, "quant_max", 256); }) ==
             "conv2d 'layers.0': quant range 0..256 is not within 0..255");
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].op = "conv3d"; }) ==
             "conv3d 'layers.0': there is no such operation");
}

BOOST_AUTO_TEST_CASE(real_ranges_are_ordered) {
  const auto with = [](float lo, float hi) {
    ProgramBuilder b(1);
    b.output(b.clamp(b.input({1, 4}, DType::f32), 0, 1));
    b.program.instructions[0].attributes = {{"lo", lo}, {"hi", hi}};
    return why(std::move(b.program));
  };
  BOOST_TEST(with(1, 1) == "");
  BOOST_TEST(with(2, 1) == "clamp 'layers.0': lo 2 is not below hi 1");
  BOOST_TEST(with(kNaN, 1) != "");
  BOOST_TEST(with(0, kNaN) != "");
}

BOOST_AUTO_TEST_CASE(the_other_operations_name_what_is_wrong) {
  const auto one = [](const char* op, DType x, DType y, const Shape& x_shape,
                      const Shape& y_shape) {
    Program p;
    const auto qparams = [](DType dtype) {
      return dtype == DType::u8 ? std::optional<QParams>(QParams{0.5f, 3}) : std::nullopt;
    };
    p.inputs = {p.add_activation("x", x, x_shape, qparams(x))};
    p.outputs = {p.add_activation("y", y, y_shape, qparams(y))};
    p.add_instruction(op, "l", {0}, {1});
    return p;
  };
  constexpr DType u8 = DType::u8, f32 = DType::f32;
  const Shape vector{1, 4}, image{1, 4, 4, 2};
  BOOST_TEST(why(one("quantize", u8, u8, vector, vector)) ==
             "quantize 'l': is from u8 to u8, not from f32 to u8");
  BOOST_TEST(why(one("dequantize", u8, f32, vector, {1, 5})) ==
             "dequantize 'l': input [1, 4] and output [1, 5] differ");
  BOOST_TEST(why(one("reshape", u8, f32, vector, vector)) ==
             "reshape 'l': input is u8, output is f32");
  BOOST_TEST(why(one("reshape", u8, u8, vector, {1, 5})) ==
             "reshape 'l': input [1, 4] and output [1, 5] differ in size");
  BOOST_TEST(
      why(one("flatten", f32, f32, image, {1, 31})) ==
      "flatten 'l': input [1, 4, 4, 2] and output [1, 31] are not [n, h, w, c] and [n, c * h "
      "* w]");
  BOOST_TEST(why(one("add", f32, f32, vector, vector)) == "add 'l': has 1 inputs, not 2");
  BOOST_TEST(why(one("linear", f32, f32, vector, vector)) ==
             "linear 'l': has 1 inputs, not 3 or more");
  BOOST_TEST(why(one("max_pool2d", f32, f32, image, image)) ==
             "max_pool2d 'l': attribute 'kernel_h' is missing");
  BOOST_TEST(why(one("max_pool2d", f32, f32, image, vector)) ==
             "max_pool2d 'l': shape [1, 4] is not that of images, [1, h, w, c]");
  BOOST_TEST(why(one("adaptive_avg_pool2d", f32, f32, image, {1, 1, 1, 3})) ==
             "adaptive_avg_pool2d 'l': input [1, 4, 4, 2] and output [1, 1, 1, 3] differ in "
             "channels");

  Program padded = one("avg_pool2d", f32, f32, {1, 2, 2, 1}, {1, 4, 2, 1});
  padded.instructions[0].attributes = {
      {"kernel_h", int64_t{1}}, {"kernel_w", int64_t{1}}, {"pad_top", int64_t{2}}};
  BOOST_TEST(why(std::move(padded)) ==
             "avg_pool2d 'l': padding 2 x 0 is not below the kernel's extent, 1 x 1");

  Program clamp = one("clamp", u8, u8, vector, vector);
  clamp.values[1].qparams->zero_point = 4;
  BOOST_TEST(why(std::move(clamp)) ==
             "clamp 'l': input has scale 0.5 and zero_point 3, output 0.5 and 4; they must be the "
             "same");

  ProgramBuilder far(1);
  const ValueId x = far.input(vector, u8);
  far.output(far.add(x, x));
  far.program.values[0].qparams->scale = 20000;
  far.program.values[1].qparams->scale = 1;
  BOOST_TEST(why(std::move(far.program)) ==
             "add 'layers.0': scale 20000 of an input is more than 16383 times scale 1 of the "
             "output");
}

BOOST_AUTO_TEST_CASE(padding_that_does_not_fit_is_refused) {
  const auto with = [](const Shape& y, std::vector<Attribute> attributes, DType dtype = DType::f32,
                       int32_t y_zero_point = 3) {
    Program p;
    const auto qparams = [&](int32_t zero_point) {
      return dtype == DType::u8 ? std::optional<QParams>(QParams{0.5f, zero_point}) : std::nullopt;
    };
    p.inputs = {p.add_activation("x", dtype, {1, 4, 4, 2}, qparams(3))};
    p.outputs = {p.add_activation("y", dtype, y, qparams(y_zero_point))};
    p.add_instruction("pad", "l", {0}, {1}).attributes = std::move(attributes);
    return why(std::move(p));
  };
  const auto n = [](int64_t value) { return value; };
  BOOST_TEST(with({1, 4, 4, 2}, {}) == "");
  BOOST_TEST(with({1, 5, 6, 5},
                  {{"pad_bottom", n(1)},
                   {"pad_left", n(1)},
                   {"pad_right", n(1)},
                   {"pad_front", n(1)},
                   {"pad_back", n(2)}},
                  DType::u8) == "");
  BOOST_TEST(with({1, 4, 4, 3}, {}) ==
             "pad 'l': output [1, 4, 4, 3] has 3 where 2 follows from input [1, 4, 4, 2]");
  BOOST_TEST(with({1, 4, 4, 2}, {{"pad_top", n(1)}}) ==
             "pad 'l': output [1, 4, 4, 2] has 4 where 5 follows from input [1, 4, 4, 2]");
  BOOST_TEST(with({1, 4, 3, 2}, {{"pad_left", n(-1)}}) ==
             "pad 'l': pad_left is -1, not in 0..65535");
  for (const char* side :
       {"pad_top", "pad_left", "pad_bottom", "pad_right", "pad_front", "pad_back"})
    for (int64_t hostile : {INT64_MIN, int64_t{65536}, INT64_MAX})
      BOOST_TEST(with({1, 4, 4, 2}, {{side, hostile}}).find("not in 0..65535") !=
                 std::string::npos);
  BOOST_TEST(with({1, 4, 4, 2}, {{"value", n(1)}}) == "pad 'l': unknown attribute 'value'");
  BOOST_TEST(with({1, 4, 8}, {}) == "pad 'l': shape [1, 4, 8] is not that of images, [1, h, w, c]");
  BOOST_TEST(with({1, 4, 4, 2}, {}, DType::u8, 4) ==
             "pad 'l': input has scale 0.5 and zero_point 3, output 0.5 and 4; they must be the "
             "same");
}

BOOST_AUTO_TEST_CASE(average_sums_that_could_leave_32_bits_are_refused) {
  const auto with = [](int64_t extent, float x_scale) {
    Program p;
    p.inputs = {p.add_activation("x", DType::u8, {1, extent, extent, 1}, QParams{x_scale, 0})};
    p.outputs = {p.add_activation("y", DType::u8, {1, 1, 1, 1}, QParams{1.0f, 0})};
    p.add_instruction("adaptive_avg_pool2d", "l", {0}, {1});
    return why(std::move(p));
  };
  BOOST_TEST(with(2901, 1.0f) == "");
  BOOST_TEST(with(2902, 1.0f).find("can leave 32 bits") != std::string::npos);
  BOOST_TEST(with(4, 1e7f).find("too large for 32 bits") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_from_a_file_stay_on_one_line_and_short) {
  BOOST_TEST(why_conv([](Program& p) {
               p.values[4].name = "a\n\x1b[2J";
               p.values[4].shape = {2, 4, 4, 8};
             }).starts_with("value 4 'a??[2J' has shape"));
  BOOST_TEST(why_conv([](Program& p) { p.instructions[0].op = "x\ty"; }) ==
             "x?y 'layers.0': there is no such operation");
  BOOST_TEST(why_conv([](Program& p) {
               p.instructions[0].name = std::string(100000, 'n');
               conv_attribute(p, "a\r", 1);
             }) == "conv2d '" + std::string(120, 'n') + "...': unknown attribute 'a?'");
  BOOST_TEST(why_conv([](Program& p) {
               p.metadata = {{"a\n", "1"}, {"a\n", "3"}};
             }) == "metadata key 'a?' is there twice");
}

BOOST_AUTO_TEST_CASE(metadata_keys_are_unique) {
  BOOST_TEST(why_conv([](Program& p) {
               p.metadata = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
             }) == "metadata key 'a' is there twice");
}

}  // namespace octet::engine
