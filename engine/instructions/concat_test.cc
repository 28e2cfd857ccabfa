// concat against its formula, element by element.
#define BOOST_TEST_MODULE concat
#include <boost/test/unit_test.hpp>

#include "engine/engine_testing.h"

namespace octet::engine {
namespace {

constexpr size_t kBatch = 3, kPixels = 9 * 13;
const int64_t kChannels[] = {70, 5, 64};
constexpr size_t kAll = 70 + 5 + 64;

Program concat_program(DType dtype, const std::vector<std::optional<QParams>>& x,
                       std::optional<QParams> y) {
  Program program;
  for (size_t i = 0; i < x.size(); ++i)
    program.inputs.push_back(program.add_activation("x", dtype, {1, 9, 13, kChannels[i]}, x[i]));
  program.outputs = {program.add_activation("y", dtype, {1, 9, 13, kAll}, y)};
  program.add_instruction("concat", "layer", program.inputs, program.outputs);
  return program;
}

// expected(i, element) for every element of input i, in its place in the output.
template <class T, class Expected>
void check(Program program, const Expected& expected) {
  const auto model = testing::make_model(std::move(program));
  BOOST_TEST(model->kernel(0).label() == "concat");
  for (bool reference : {false, true}) {
    ThreadPool pool(2);
    auto session = testing::required(
        Session::create(model, {.batch = kBatch, .pool = &pool, .reference = reference}));
    testing::fill_inputs(*session, *model, 3);
    std::vector<T> want;
    for (size_t row = 0; row < kBatch * kPixels; ++row)
      for (size_t i = 0; i < 3; ++i)
        for (int64_t c = 0; c < kChannels[i]; ++c)
          want.push_back(expected(i, static_cast<const T*>(session->input(
                                         i))[row * static_cast<size_t>(kChannels[i]) + c]));
    session->run();
    const T* got = static_cast<const T*>(session->output());
    BOOST_TEST(std::equal(want.begin(), want.end(), got));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(reals_are_copied) {
  check<float>(concat_program(DType::f32, std::vector<std::optional<QParams>>(3), std::nullopt),
               [](size_t, float x) { return x; });
}

BOOST_AUTO_TEST_CASE(integers_are_quantized_anew_where_their_qparams_differ) {
  const QParams y{0.03f, 17, 2, 250};
  const std::vector<std::optional<QParams>> x = {QParams{0.03f, 17}, QParams{0.011f, 90},
                                                 QParams{0.2f, 3}};
  check<uint8_t>(concat_program(DType::u8, x, y), [&](size_t i, uint8_t q) {
    return static_cast<uint8_t>(quantize_value(dequantize_value(q, *x[i]), 1.0f / y.scale, y));
  });
}

BOOST_AUTO_TEST_CASE(integers_with_the_qparams_of_the_output_are_copied) {
  const QParams q{0.0301f, 117};
  check<uint8_t>(concat_program(DType::u8, {q, q, q}, q), [](size_t, uint8_t x) { return x; });
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit_are_refused) {
  const auto why = [](auto change) {
    Program program =
        concat_program(DType::f32, std::vector<std::optional<QParams>>(3), std::nullopt);
    change(program);
    return Model::create(std::move(program)).why();
  };
  BOOST_TEST(why([](Program& p) {
               p.values[3].shape = {1, 9, 13, 140};
             }) == "concat 'layer': inputs have 139 channels, output [1, 9, 13, 140] has 140");
  BOOST_TEST(why([](Program& p) {
               p.values[1].shape = {1, 9, 12, 5};
             }) ==
             "concat 'layer': input 1 is [1, 9, 12, 5], output [1, 9, 13, 139]; they differ in "
             "more than channels");
  BOOST_TEST(why([](Program& p) {
               p.values[1].shape = {1, 117, 5};
             }) ==
             "concat 'layer': input 1 is [1, 117, 5], output [1, 9, 13, 139]; they differ in more "
             "than channels");
  BOOST_TEST(why([](Program& p) {
               p.values[1].dtype = DType::u8;
               p.values[1].qparams = QParams();
             }) == "concat 'layer': input is u8, output is f32");
  BOOST_TEST(why([](Program& p) { p.instructions[0].inputs.clear(); }) ==
             "concat 'layer': has 0 inputs, not 1");
}

}  // namespace octet::engine
