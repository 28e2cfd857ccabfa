#define BOOST_TEST_MODULE softmax
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "base/rng.h"
#include "engine/engine_testing.h"
#include "kernels/activation_f32_ref.h"

namespace octet::engine {
namespace {

constexpr size_t kRows = 5, kWidth = 19;

Program softmax_program(const Shape& x, const Shape& y) {
  Program p;
  p.inputs = {p.add_activation("x", DType::f32, x)};
  p.outputs = {p.add_activation("y", DType::f32, y)};
  p.add_instruction("softmax", "scores", {0}, {1});
  return p;
}

}  // namespace

BOOST_AUTO_TEST_CASE(rows_get_the_bits_of_the_specification) {
  const auto n = static_cast<int64_t>(kWidth);
  const Shape shape = {1, static_cast<int64_t>(kRows), n};
  Rng rng(1);
  std::vector<float> x(2 * kRows * kWidth), want(x.size());
  for (float& v : x) v = rng.uniform(-20.0f, 20.0f);
  for (size_t row = 0; row < 2 * kRows; ++row)
    kernels::ref::activation_f32::softmax_f32(&x[row * kWidth], &want[row * kWidth], kWidth);
  for (const bool reference : {false, true}) {
    const auto model = testing::make_model(softmax_program(shape, shape));
    auto session = testing::required(Session::create(model, {.batch = 2, .reference = reference}));
    std::copy(x.begin(), x.end(), static_cast<float*>(session->input()));
    session->run();
    BOOST_TEST(std::memcmp(session->output(), want.data(), want.size() * sizeof(float)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_breaks_the_contract_is_refused) {
  const auto why = [](Program program) { return Model::create(std::move(program)).why(); };
  BOOST_TEST(why(softmax_program({1, 4}, {1, 4})) == "");
  BOOST_TEST(why(softmax_program({1, 4}, {1, 5})) ==
             "softmax 'scores': input [1, 4] and output [1, 5] differ");
  Program integers = softmax_program({1, 4}, {1, 4});
  for (Value& value : integers.values) value.dtype = DType::u8, value.qparams = QParams{0.1f, 3};
  BOOST_TEST(why(integers) == "softmax 'scores': input is u8, not f32");
}

}  // namespace octet::engine
